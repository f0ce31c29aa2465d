/*
 * Broken: prepare ends the process, as if all were well.
 * Host: tries again with back-off, and says that it was not asked to exit.
 */
#define FIXTURE_STEP(step) if (step == IN_PREPARE) exit(0)
#include "fixture.inc"

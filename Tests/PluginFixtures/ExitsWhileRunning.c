/*
 * Broken: a handler ends the process, as if all were well.
 * Host: replaces it at once, and says that it was not asked to exit.
 */
#define FIXTURE_REQUEST if (is(target, "/break")) exit(0);
#include "fixture.inc"

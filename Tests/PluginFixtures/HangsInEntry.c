/*
 * Broken: the entry point does not return.
 * Host: ends it at step_timeout, tries again with back-off, and says from which call it did not return.
 */
#define FIXTURE_HANGS_IN IN_ENTRY
#include "fixture.inc"

/*
 * Broken: stop does not return.
 * Host: ends it after 5 s, goes on with the newer generation, and says from which call it did not return.
 */
#define FIXTURE_HANGS_IN IN_STOP
#include "fixture.inc"

/*
 * Broken: stop aborts.
 * Host: goes on with the newer generation, and says in which call the older one ended.
 */
#define FIXTURE_ABORTS_IN IN_STOP
#include "fixture.inc"

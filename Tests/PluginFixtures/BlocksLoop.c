/*
 * Broken: a handler never returns, and blocks its event loop.
 * Host: ends it by the watchdog, and replaces it.
 */
#define FIXTURE_REQUEST if (is(target, "/break")) pause_for_ever();
#include "fixture.inc"

/*
 * Broken: it closes the socket on which the host speaks to its process.
 * Host: ends it, and replaces it.
 */
#define FIXTURE_REQUEST if (is(target, "/break")) close(3);
#include "fixture.inc"

/*
 * Broken: it says that it cannot go on.
 * Host: replaces it, and says the plugin's reason.
 */
#define FIXTURE_REQUEST \
    if (is(target, "/break")) return host->fail(host->context, MUSTER_STRING("the fixture's disk is gone"));
#include "fixture.inc"

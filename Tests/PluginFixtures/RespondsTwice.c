/*
 * Broken: it answers each request twice.
 * Host: sends the first answer, and tells the plugin that the exchange is gone.
 */
#define FIXTURE_REQUEST \
    if (is(target, "/break")) { \
        respond(exchange, MUSTER_STRING("first")); \
        if (respond(exchange, MUSTER_STRING("second")) != MUSTER_GONE) complain("a second answer was taken"); \
        return; \
    }
#include "fixture.inc"

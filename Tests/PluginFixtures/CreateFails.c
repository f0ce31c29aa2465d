/*
 * Broken: create fails, with a reason.
 * Host: tries again with back-off, and says the reason.
 */
#define FIXTURE_CREATE \
    snprintf(error->message, sizeof error->message, "the fixture never wants to be created"); \
    return MUSTER_FAILED;
#include "fixture.inc"

/*
 * Broken: quiesce does not return.
 * Host: ends it after quiesce_timeout, goes on with the newer generation, and says from which call it did not
 * return.
 */
#define FIXTURE_HANGS_IN IN_QUIESCE
#include "fixture.inc"

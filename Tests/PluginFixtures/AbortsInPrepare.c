/*
 * Broken: prepare aborts.
 * Host: tries again with back-off, and says in which call it ended.
 */
#define FIXTURE_ABORTS_IN IN_PREPARE
#include "fixture.inc"

/*
 * Broken: activate aborts.
 * Host: tries again with back-off, and says in which call it ended.
 */
#define FIXTURE_ABORTS_IN IN_ACTIVATE
#include "fixture.inc"

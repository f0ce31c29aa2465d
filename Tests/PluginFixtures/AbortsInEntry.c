/*
 * Broken: the entry point aborts.
 * Host: tries again with back-off, and says in which call it ended.
 */
#define FIXTURE_ABORTS_IN IN_ENTRY
#include "fixture.inc"

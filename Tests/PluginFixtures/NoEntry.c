/*
 * Broken: the entry point is not there.
 * Host: waits for a reload, and says which symbol a plugin exports.
 */
#define FIXTURE_NO_ENTRY
#include "fixture.inc"

/*
 * Broken: it calls a function that no library has.
 * Host: waits for a reload, and says the function's name.
 */
extern void muster_teleport(void);

#define FIXTURE_CREATE muster_teleport();
#include "fixture.inc"

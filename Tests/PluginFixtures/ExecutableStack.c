/*
 * Broken: it is linked with an executable stack.
 * Host: waits for a reload, and says how to link it.
 */
#include "fixture.inc"

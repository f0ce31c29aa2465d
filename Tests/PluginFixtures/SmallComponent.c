/*
 * Broken: the component's table is smaller than that of ABI 1.0.
 * Host: waits for a reload, and says both sizes.
 */
#define FIXTURE_COMPONENT .struct_size = 40,
#include "fixture.inc"

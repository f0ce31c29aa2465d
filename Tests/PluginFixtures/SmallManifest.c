/*
 * Broken: the manifest's struct_size is smaller than the manifest of ABI 1.0.
 * Host: waits for a reload, and says both sizes.
 */
#define FIXTURE_MANIFEST .struct_size = 16,
#include "fixture.inc"

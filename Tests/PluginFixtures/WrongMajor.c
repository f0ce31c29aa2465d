/*
 * Broken: the manifest is of another major version of the ABI.
 * Host: waits for a reload, and says both versions.
 */
#define FIXTURE_MANIFEST .abi_major = 2,
#include "fixture.inc"

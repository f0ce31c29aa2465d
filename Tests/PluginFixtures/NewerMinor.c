/*
 * Broken: the plugin cannot live with a host as old as this one.
 * Host: waits for a reload, and says which minor it needs.
 */
#define FIXTURE_MANIFEST .abi_minor = 7, .minimum_abi_minor = 7,
#include "fixture.inc"

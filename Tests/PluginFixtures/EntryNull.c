/*
 * Broken: the entry point returns NULL.
 * Host: waits for a reload, and says what it has to return.
 */
#define FIXTURE_ENTRY return NULL;
#include "fixture.inc"

/*
 * Broken: create answers MUSTER_OK and makes no component.
 * Host: waits for a reload, and says what to set.
 */
#define FIXTURE_CREATE return MUSTER_OK;
#include "fixture.inc"

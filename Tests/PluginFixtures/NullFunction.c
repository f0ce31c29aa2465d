/*
 * Broken: a required function of the component's table is NULL.
 * Host: waits for a reload, and says which.
 */
#define FIXTURE_COMPONENT .release = NULL,
#include "fixture.inc"

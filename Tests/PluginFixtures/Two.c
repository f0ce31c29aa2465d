/*
 * Broken: nothing; its code answers "two".
 * Host: runs it.
 */
#define FIXTURE_ANSWER "two"
#include "fixture.inc"

/*
 * Broken: nothing; its code answers "one".
 * Host: runs it.
 */
#define FIXTURE_ANSWER "one"
#include "fixture.inc"

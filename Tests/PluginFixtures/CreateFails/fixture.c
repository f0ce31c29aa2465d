/* A plugin whose create fails. */
#define FIXTURE_ANSWER "never"
#define FIXTURE_CREATE_FAILS
#include "../fixture.inc"

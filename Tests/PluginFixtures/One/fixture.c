/* The live tests' plugin whose code answers "one". */
#define FIXTURE_ANSWER "one"
#include "../fixture.inc"

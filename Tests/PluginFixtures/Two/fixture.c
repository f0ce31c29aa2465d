/* The live tests' plugin whose code answers "two". */
#define FIXTURE_ANSWER "two"
#include "../fixture.inc"

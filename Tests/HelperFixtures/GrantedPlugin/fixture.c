/* The same plugin, whose helper `plain` needs a capability, and reads. */
#define FIXTURE_CAPABILITY "CAP_DAC_READ_SEARCH"
#include "../Plugin/fixture.c"

/* Calls and publishes, for the live tests of the bus. */
#define BUS_CALLER
#include "bus.inc"

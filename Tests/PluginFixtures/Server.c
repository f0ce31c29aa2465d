/* Serves and subscribes, for the live tests of the bus. */
#define BUS_SERVER
#include "bus.inc"

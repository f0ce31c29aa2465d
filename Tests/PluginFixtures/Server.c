/*
 * Broken: nothing; it serves and subscribes on the bus.
 * Host: runs it.
 */
#define BUS_SERVER
#include "bus.inc"

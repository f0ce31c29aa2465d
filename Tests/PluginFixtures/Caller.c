/*
 * Broken: nothing; it calls and publishes on the bus when it is asked to over HTTP.
 * Host: runs it.
 */
#define BUS_CALLER
#include "bus.inc"

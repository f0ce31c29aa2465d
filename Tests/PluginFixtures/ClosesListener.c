/*
 * Broken: it closes the descriptor of its raw listener.
 * Host: notices that nobody accepts, and replaces it.
 */
#define FIXTURE_RAW
#include "fixture.inc"

static void break_listener(void) { close(listening[0]); }

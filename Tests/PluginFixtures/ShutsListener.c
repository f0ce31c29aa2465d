/*
 * Broken: it shuts its raw listener down, which the host and its newer generation hold too.
 * Host: lets it listen again.
 */
#define FIXTURE_RAW
#include "fixture.inc"

static void break_listener(void) { shutdown(listening[0], SHUT_RDWR); }

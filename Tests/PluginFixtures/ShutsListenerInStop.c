/*
 * Broken: its older generation shuts the raw listener down that the newer one serves.
 * Host: lets it listen again.
 */
#define FIXTURE_RAW
#define FIXTURE_STEP(step) if (step == IN_STOP) break_listener()
static void break_listener(void);
#include "fixture.inc"

static void break_listener(void) { shutdown(listening[0], SHUT_RDWR); }

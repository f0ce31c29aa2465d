/*
 * Broken: a timer never returns, and blocks the control thread.
 * Host: ends it by the watchdog, and replaces it.
 */
#define FIXTURE_REQUEST if (is(target, "/break")) start_timer();

static void start_timer(void);

#include "fixture.inc"

static void fire(void *context, muster_timer_id id) {
    (void)context, (void)id;
    pause_for_ever();
}

static void start_timer(void) {
    const muster_timer *timer = host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_TIMER));
    const muster_timer_options now = {HEADER(muster_timer_options), .fire = fire};
    timer->start(timer->context, &now, NULL);
}

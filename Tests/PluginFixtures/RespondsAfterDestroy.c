/*
 * Broken: a thread that it has left running answers an exchange after destroy.
 * Host: tells it that the exchange is gone, until the process ends in good order.
 */
#define FIXTURE_REQUEST if (is(target, "/break")) keep(exchange);
#define FIXTURE_STEP(step) if (step == IN_DESTROY) is_destroyed = 1

#include <muster/muster.h>

static volatile int is_destroyed;
static void keep(muster_exchange exchange);

#include "fixture.inc"

static muster_exchange kept;

static void *answer_for_ever(void *unused) {
    while (!is_destroyed) usleep(100);
    for (;;) {
        if (respond(kept, MUSTER_STRING("too late")) != MUSTER_GONE) complain("an answer after destroy was taken");
        if (!host->get_extension(host->context, MUSTER_STRING(MUSTER_EXT_TIMER))) complain("an extension is gone");
    }
    return unused;
}

static void keep(muster_exchange exchange) {
    pthread_t thread;
    kept = exchange;
    pthread_create(&thread, NULL, answer_for_ever, NULL);
}

/*
 * Broken: threads of its own run on after stop.
 * Host: ends the process all the same.
 */
#define FIXTURE_STEP(step) if (step == IN_PREPARE) start_threads()

static void start_threads(void);

#include "fixture.inc"

static void *wait_for_ever(void *unused) {
    pause_for_ever();
    return unused;
}

static void start_threads(void) {
    pthread_t thread;
    for (int i = 0; i < 8; i++) pthread_create(&thread, NULL, wait_for_ever, NULL);
}

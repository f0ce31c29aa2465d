/*
 * Broken: it writes lines to the log as fast as it can.
 * Host: keeps a burst of them and 1,000 a second, counts what it drops, and says so.
 */
#define FIXTURE_REQUEST if (is(target, "/break")) start_flood();

static void start_flood(void);

#include "fixture.inc"

static void *flood(void *unused) {
    for (int i = 0; i < 300000; i++)
        host->log(host->context, MUSTER_LOG_INFO, MUSTER_STRING("a line of the flood"), NULL, 0);
    return unused;
}

static void start_flood(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, flood, NULL);
}

/*
 * Broken: it opens descriptors until there are no more.
 * Host: serves the connections it has, lets new ones wait, and says so; goes on when some are closed.
 */
#define FIXTURE_REQUEST \
    if (is(target, "/break")) leak(); \
    if (is(target, "/heal")) heal();

static void leak(void);
static void heal(void);

#include "fixture.inc"
#include <sys/resource.h>

static int leaked[256];
static size_t leaked_count;

/* With a limit of its own, so that it is soon there. */
static void leak(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = sizeof leaked / sizeof *leaked;
    setrlimit(RLIMIT_NOFILE, &limit);
    int copy;
    while (leaked_count < sizeof leaked / sizeof *leaked && (copy = dup(2)) >= 0) leaked[leaked_count++] = copy;
}

static void heal(void) {
    while (leaked_count > 0) close(leaked[--leaked_count]);
}

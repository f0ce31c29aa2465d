#define _GNU_SOURCE
#include "clinux_events.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

uint64_t clinux_monotonic_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int clinux_poll(struct pollfd *entries, size_t count, uint64_t timeout) {
    struct timespec wait = {.tv_sec = (time_t)(timeout / 1000000000u), .tv_nsec = (long)(timeout % 1000000000u)};
    int ready = ppoll(entries, count, timeout == UINT64_MAX ? NULL : &wait, NULL);
    if (ready >= 0) return ready;
    if (errno != EINTR) return -errno;
    for (size_t index = 0; index < count; index++) entries[index].revents = 0;
    return 0;
}

int clinux_event_open(void) {
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return event >= 0 ? event : -errno;
}

void clinux_event_raise(int event) {
    uint64_t one = 1;
    /* EAGAIN: it is raised 2^64 - 2 times over already, which is raised enough. */
    ssize_t ignored = write(event, &one, sizeof one);
    (void)ignored;
}

void clinux_event_clear(int event) {
    uint64_t count;
    ssize_t ignored = read(event, &count, sizeof count);
    (void)ignored;
}

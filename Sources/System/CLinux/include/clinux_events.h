/* Descriptors that wake a poll: eventfd(2), signalfd(2); and a poll that counts nanoseconds (ppoll(2)). */
#ifndef CLINUX_EVENTS_H
#define CLINUX_EVENTS_H

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

/* The current time of CLOCK_MONOTONIC, nanoseconds. */
uint64_t clinux_monotonic_now(void);

/* Waits until an entry is ready or `timeout` nanoseconds have passed; UINT64_MAX: without end. EINTR counts as ready
 * with no entry. Returns how many are ready, or a negative errno. */
int clinux_poll(struct pollfd *entries, size_t count, uint64_t timeout);

/* A non-blocking, close-on-exec eventfd, or a negative errno. */
int clinux_event_open(void);

/* Makes it readable. Safe from any thread; never blocks. */
void clinux_event_raise(int event);

/* Makes it unreadable until it is raised again. */
void clinux_event_clear(int event);

#endif

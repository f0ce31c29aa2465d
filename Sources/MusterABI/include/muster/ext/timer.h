/* muster/ext/timer.h — something later, once or again and again. */
#ifndef MUSTER_EXT_TIMER_H
#define MUSTER_EXT_TIMER_H

#include <muster/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The id of this extension. */
#define MUSTER_EXT_TIMER "muster.timer/1"

/** Names one timer of the component. Never 0, never used again. */
typedef uint64_t muster_timer_id;

/** When a timer fires, and whom it calls. */
typedef struct muster_timer_options {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Handed to fire. */
    void *context;
    /**
     * The time has come. Calls of one timer never overlap; those missed while the thread was busy become one.
     * @since 1.0 [control-thread]
     */
    void (*fire)(void *context, muster_timer_id timer);
    /** A duration: until the first call. */
    uint64_t delay;
    /** A duration: between calls after that; 0: once only. */
    uint64_t interval;
    /** A duration: up to this much is added to each wait, at random, so that a fleet does not call in step. */
    uint64_t jitter;
} muster_timer_options;

/** What the host gives for timers. They fire from activate on, and never after stop has been called. */
typedef struct muster_timer {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Sets a timer; `options` is copied. Before activate, its time begins with activate.
     * @param timer where its number goes; may be NULL.
     * @return MUSTER_OK; MUSTER_INVALID for a NULL fire; MUSTER_BUSY beyond 10,000 timers; MUSTER_WRONG_STATE after stop.
     * @since 1.0 [any-thread]
     */
    muster_status (*start)(void *context, const muster_timer_options *options, muster_timer_id *timer);
    /**
     * Cancels a timer. From the control thread: fire is not called again. From another thread one call may be under way.
     * @return MUSTER_OK, or MUSTER_GONE where it fired for the last time or was cancelled before.
     * @since 1.0 [any-thread]
     */
    muster_status (*cancel)(void *context, muster_timer_id timer);
} muster_timer;

#define MUSTER_TIMER_OPTIONS_SIZE_1_0 48
#define MUSTER_TIMER_SIZE_1_0 32

#ifdef __cplusplus
}
#endif

#endif

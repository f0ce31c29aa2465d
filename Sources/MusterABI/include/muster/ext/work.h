/* muster/ext/work.h — blocking work, off the loops. */
#ifndef MUSTER_EXT_WORK_H
#define MUSTER_EXT_WORK_H

#include <muster/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The id of this extension. */
#define MUSTER_EXT_WORK "muster.work/1"

/** One piece of blocking work. */
typedef struct muster_work_item {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Handed to run and to done. */
    void *context;
    /**
     * Does the work. Required.
     * @since 1.0 [worker-pool: may block]
     */
    void (*run)(void *context);
    /**
     * After run has returned, or instead of it with `cancelled` 1 where stop came first. May be NULL.
     * @since 1.0 [control-thread]
     */
    void (*done)(void *context, uint32_t cancelled);
} muster_work_item;

/** What the host gives for blocking work: a small pool of threads with a bounded queue. */
typedef struct muster_work {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Queues a piece of work; `item` is copied. Work queued before stop is waited for or cancelled before stop is
     * called, so neither run nor done comes after it.
     * @return MUSTER_OK; MUSTER_BUSY where 1,024 wait already; MUSTER_INVALID for a NULL run; MUSTER_WRONG_STATE after
     *         stop.
     * @since 1.0 [any-thread]
     */
    muster_status (*submit)(void *context, const muster_work_item *item);
} muster_work;

#define MUSTER_WORK_ITEM_SIZE_1_0 32
#define MUSTER_WORK_SIZE_1_0 24

#ifdef __cplusplus
}
#endif

#endif

/* muster/ext/listener.h — the bound socket itself, for a protocol of the plugin's own. */
#ifndef MUSTER_EXT_LISTENER_H
#define MUSTER_EXT_LISTENER_H

#include <muster/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The id of this extension. */
#define MUSTER_EXT_LISTENER "muster.listener/1"

/**
 * How a plugin learns when its raw listeners may accept. The host calls start after activate has returned, and pause
 * before quiesce; a socket must not be accepted from outside of that time.
 */
typedef struct muster_listener_handler {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Begin to accept on the descriptors.
     * @since 1.0 [control-thread]
     */
    void (*start)(void *context);
    /**
     * Accept no more, without shutdown() or close(): connects queue in the backlog for the next generation. May be
     * followed by start.
     * @since 1.0 [control-thread]
     */
    void (*pause)(void *context);
} muster_listener_handler;

/** What the host gives for raw listeners. */
typedef struct muster_listener {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Asks for the listening sockets of a listener whose transport is `raw`, one for each address in the configuration.
     * They are non-blocking, close-on-exec, and shared with other generations: never call shutdown() on them. They stay
     * open until the component's destroy returns, and the host closes them. Only during prepare, once for each listener.
     * @param name the listener's name in the manifest.
     * @param handler told when to accept; lives until destroy returns.
     * @param descriptors where the descriptors go, `capacity` of them at most.
     * @param capacity how many descriptors there is room for.
     * @param count how many there are; where it is more than `capacity`, nothing is handed out: MUSTER_INVALID.
     * @param error why it failed: the port is taken, or lacks privilege. May be NULL.
     * @return MUSTER_OK; MUSTER_INVALID for a name that is not a raw listener; MUSTER_WRONG_STATE outside prepare or a
     *         second time; MUSTER_FAILED where it could not be bound.
     * @since 1.0 [control-thread]
     */
    muster_status (*open)(void *context, muster_string name, const muster_listener_handler *handler, int32_t *descriptors,
                          size_t capacity, size_t *count, muster_error *error);
} muster_listener;

#define MUSTER_LISTENER_HANDLER_SIZE_1_0 32
#define MUSTER_LISTENER_SIZE_1_0 24

#ifdef __cplusplus
}
#endif

#endif

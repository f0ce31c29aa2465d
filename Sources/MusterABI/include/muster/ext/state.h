/* muster/ext/state.h — a directory of the component's own. */
#ifndef MUSTER_EXT_STATE_H
#define MUSTER_EXT_STATE_H

#include <muster/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The id of this extension. */
#define MUSTER_EXT_STATE "muster.state/1"

/** What the host gives for things kept on disk. */
typedef struct muster_state {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * The absolute path of the component's own directory: mode 0700, owned by the worker's user, the same through
     * reloads, crashes and reboots. Lives until destroy returns.
     * @since 1.0 [any-thread]
     */
    muster_string (*directory)(void *context);
} muster_state;

#define MUSTER_STATE_SIZE_1_0 24

#ifdef __cplusplus
}
#endif

#endif

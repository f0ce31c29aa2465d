/* expect: must begin with `uint32_t struct_size */
#include <muster/core.h>
/** A table. */
typedef struct muster_probe {
    uint32_t struct_size;
    void *context;
    /**
     * Asks something.
     * @since 1.0 [any-thread]
     */
    muster_status (*ask)(void *context);
} muster_probe;
#define MUSTER_PROBE_SIZE_1_0 24

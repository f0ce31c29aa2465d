/* expect: `long` in `muster_status (*ask)(void *context, long count)` */
#include <muster/core.h>
/** A table. */
typedef struct muster_probe {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Asks something.
     * @since 1.0 [any-thread]
     */
    muster_status (*ask)(void *context, long count);
} muster_probe;
#define MUSTER_PROBE_SIZE_1_0 24

/* expect: the comment of muster_probe.ask lacks `@since MAJOR.MINOR` */
#include <muster/core.h>
/** A table. */
typedef struct muster_probe {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Asks something.
     * [any-thread]
     */
    muster_status (*ask)(void *context);
} muster_probe;
#define MUSTER_PROBE_SIZE_1_0 24

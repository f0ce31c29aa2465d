/* What the benchmark needs of Linux and Swift cannot call: GNU extensions of glibc's headers. */
#ifndef CBENCH_H
#define CBENCH_H

#include "cbench_tls.h"

#include <stdint.h>

/* Up to 1024 processors, a bit each. */
typedef struct cbench_cores {
    uint64_t bits[16];
} cbench_cores;

/* The processors the calling thread may run on; 0, or a negative errno. */
int cbench_get_cores(cbench_cores *cores);
/* Confines the calling thread, and what it will start, to them; 0, or a negative errno. */
int cbench_set_cores(const cbench_cores *cores);
/* Raises the limits on open descriptors to at least `needed`; 0, or a negative errno. */
int cbench_raise_descriptor_limit(uint64_t needed);

#endif

#define _GNU_SOURCE
#include "CBench.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

_Static_assert(sizeof(cpu_set_t) == sizeof(cbench_cores), "the two sets have the same bits");

int cbench_get_cores(cbench_cores *cores) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -errno;
    memcpy(cores, &set, sizeof set);
    return 0;
}

int cbench_set_cores(const cbench_cores *cores) {
    cpu_set_t set;
    memcpy(&set, cores, sizeof set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : -errno;
}

int cbench_raise_descriptor_limit(uint64_t needed) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
    if (limit.rlim_cur >= needed) return 0;
    limit.rlim_cur = needed;
    if (limit.rlim_max < needed) limit.rlim_max = needed;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : -errno;
}

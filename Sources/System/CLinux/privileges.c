#define _GNU_SOURCE
#include "clinux_privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Indexed by number: linux/capability.h, as of Linux 5.9 (CAP_CHECKPOINT_RESTORE, the newest, is 40). */
static const char *const names[] = {
    "CAP_CHOWN",           "CAP_DAC_OVERRIDE",     "CAP_DAC_READ_SEARCH", "CAP_FOWNER",
    "CAP_FSETID",          "CAP_KILL",             "CAP_SETGID",          "CAP_SETUID",
    "CAP_SETPCAP",         "CAP_LINUX_IMMUTABLE",  "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",       "CAP_NET_RAW",          "CAP_IPC_LOCK",        "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",      "CAP_SYS_RAWIO",        "CAP_SYS_CHROOT",      "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",       "CAP_SYS_ADMIN",        "CAP_SYS_BOOT",        "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",    "CAP_SYS_TIME",         "CAP_SYS_TTY_CONFIG",  "CAP_MKNOD",
    "CAP_LEASE",           "CAP_AUDIT_WRITE",      "CAP_AUDIT_CONTROL",   "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",    "CAP_MAC_ADMIN",        "CAP_SYSLOG",          "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",   "CAP_AUDIT_READ",       "CAP_PERFMON",         "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

#define NAME_COUNT ((int)(sizeof names / sizeof names[0]))
_Static_assert(sizeof names / sizeof names[0] == CAP_CHECKPOINT_RESTORE + 1, "a name is missing or out of its place");

int clinux_capability_number(const char *name) {
    for (int number = 0; number < NAME_COUNT; number++)
        if (strcmp(names[number], name) == 0) return number;
    return -1;
}

const char *clinux_capability_name(int number) {
    return number >= 0 && number < NAME_COUNT ? names[number] : NULL;
}

/* prctl answers EINVAL beyond the kernel's last capability; 64 is all the interface can express. */
uint64_t clinux_capabilities_of_kernel(void) {
    uint64_t known = 0;
    for (int number = 0; number < 64 && prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
        known |= (uint64_t)1 << number;
    return known;
}

int clinux_capabilities_read(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, half) != 0) return -errno;
    *effective = half[0].effective | (uint64_t)half[1].effective << 32;
    *permitted = half[0].permitted | (uint64_t)half[1].permitted << 32;
    *inheritable = half[0].inheritable | (uint64_t)half[1].inheritable << 32;
    return 0;
}

int clinux_capabilities_write(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return syscall(SYS_capset, &header, half) == 0 ? 0 : -errno;
}

uint64_t clinux_bounding_read(void) {
    uint64_t bounding = 0;
    for (int number = 0; number < 64; number++) {
        int answer = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
        if (answer < 0) break;
        if (answer == 1) bounding |= (uint64_t)1 << number;
    }
    return bounding;
}

int clinux_bounding_keep(uint64_t kept) {
    uint64_t surplus = clinux_bounding_read() & ~kept;
    for (int number = 0; number < 64; number++) {
        if ((surplus >> number & 1) == 0) continue;
        if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return -errno;
    }
    return 0;
}

int clinux_ambient_clear(void) {
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 ? 0 : -errno;
}

int clinux_ambient_raise(uint64_t capabilities) {
    for (int number = 0; number < 64; number++) {
        if ((capabilities >> number & 1) == 0) continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) return -errno;
    }
    return 0;
}

int clinux_keep_capabilities(int keeps) { return prctl(PR_SET_KEEPCAPS, keeps ? 1 : 0, 0, 0, 0) == 0 ? 0 : -errno; }

int clinux_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno; }

int clinux_set_dumpable(int dumpable) { return prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0) == 0 ? 0 : -errno; }

int clinux_get_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }

int clinux_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) == 0 ? 0 : -errno; }

int clinux_set_process_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0) == 0 ? 0 : -errno; }

static void lower(struct rlimit *limit, uint64_t value) {
    if (limit->rlim_max > value) limit->rlim_max = value;
    if (limit->rlim_cur > value) limit->rlim_cur = value;
}

int clinux_lower_limits(uint64_t descriptors, uint64_t processes) {
    struct rlimit open_files, tasks;
    if (getrlimit(RLIMIT_NOFILE, &open_files) != 0 || getrlimit(RLIMIT_NPROC, &tasks) != 0) return -errno;
    lower(&open_files, descriptors);
    lower(&tasks, processes);
    if (setrlimit(RLIMIT_NOFILE, &open_files) != 0 || setrlimit(RLIMIT_NPROC, &tasks) != 0) return -errno;
    return 0;
}

int clinux_limit_core(uint64_t bytes) {
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    return setrlimit(RLIMIT_CORE, &limit) == 0 ? 0 : -errno;
}

int clinux_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : -errno;
}

int clinux_set_groups(const uint32_t *groups, size_t count) { return setgroups(count, groups) == 0 ? 0 : -errno; }

int clinux_set_group_id(uint32_t group) { return setresgid(group, group, group) == 0 ? 0 : -errno; }

int clinux_set_user_id(uint32_t user) { return setresuid(user, user, user) == 0 ? 0 : -errno; }

#define _GNU_SOURCE
#include "clinux_landlock.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The structures of linux/landlock.h as of Linux 6.12: the system's header may be older. */
typedef struct ruleset_attributes {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
} ruleset_attributes;

typedef struct __attribute__((packed)) path_rule {
    uint64_t allowed_access;
    int32_t parent_fd;
} path_rule;

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

/* How many of the lowest bits of each set a version handles. */
static const struct {
    int files, network, scoped;
} versions[CLINUX_LANDLOCK_NEWEST + 1] = {
    [1] = {13, 0, 0}, [2] = {14, 0, 0}, [3] = {15, 0, 0}, [4] = {15, 2, 0}, [5] = {16, 2, 0}, [6] = {16, 2, 2},
};

static const uint64_t file_rights = CLINUX_LANDLOCK_EXECUTE | CLINUX_LANDLOCK_WRITE_FILE | CLINUX_LANDLOCK_READ_FILE |
                                    CLINUX_LANDLOCK_TRUNCATE | CLINUX_LANDLOCK_IOCTL_DEV;

static uint64_t lowest(int bits) { return ((uint64_t)1 << bits) - 1; }

clinux_landlock_handled clinux_landlock_handles(int version) {
    if (version < 0) version = 0;
    if (version > CLINUX_LANDLOCK_NEWEST) version = CLINUX_LANDLOCK_NEWEST;
    clinux_landlock_handled handled = {
        lowest(versions[version].files), lowest(versions[version].network), lowest(versions[version].scoped)};
    return handled;
}

int clinux_landlock_version(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    return version >= 0 ? (int)version : -errno;
}

int clinux_landlock_create(int version) {
    clinux_landlock_handled handled = clinux_landlock_handles(version);
    /* A kernel that knows fewer members takes the longer structure as long as what it does not know is zero. */
    ruleset_attributes attributes = {handled.files, handled.network, handled.scoped};
    long ruleset = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    return ruleset >= 0 ? (int)ruleset : -errno;
}

int clinux_landlock_allow(int ruleset, int version, int place, uint64_t rights) {
    struct stat status;
    if (fstat(place, &status) != 0) return -errno;
    rights &= clinux_landlock_handles(version).files;
    if (!S_ISDIR(status.st_mode)) rights &= file_rights;
    /* A rule that allows nothing is refused by the kernel, and says nothing. */
    if (rights == 0) return 0;
    path_rule rule = {rights, place};
    return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0 ? 0 : -errno;
}

int clinux_landlock_enforce(int ruleset) {
    return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : -errno;
}

int clinux_is_proc(int place) {
    struct statfs status;
    if (fstatfs(place, &status) != 0) return -errno;
    return status.f_type == PROC_SUPER_MAGIC;
}

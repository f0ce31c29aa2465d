/*
 * Landlock (landlock(7)): what of the file system, and of what lies outside, a process may still reach.
 *
 * Everything the kernel's version can handle is handled, so that what no rule allows is forbidden. A version is the
 * kernel's number for what it knows (1: Linux 5.13, 2: 5.19, 3: 6.2, 4: 6.7, 5: 6.10, 6: 6.12); functions take it as an
 * argument, so that what an older kernel would do can be tried on a newer one.
 */
#ifndef CLINUX_LANDLOCK_H
#define CLINUX_LANDLOCK_H

#include <stdint.h>

/* The newest version whose rights this code knows. */
#define CLINUX_LANDLOCK_NEWEST 6

/* The rights that rules give, in the kernel's bits. */
#define CLINUX_LANDLOCK_EXECUTE (1ULL << 0)
#define CLINUX_LANDLOCK_WRITE_FILE (1ULL << 1)
#define CLINUX_LANDLOCK_READ_FILE (1ULL << 2)
#define CLINUX_LANDLOCK_READ_DIR (1ULL << 3)
#define CLINUX_LANDLOCK_REMOVE_DIR (1ULL << 4)
#define CLINUX_LANDLOCK_REMOVE_FILE (1ULL << 5)
#define CLINUX_LANDLOCK_MAKE_CHAR (1ULL << 6)
#define CLINUX_LANDLOCK_MAKE_DIR (1ULL << 7)
#define CLINUX_LANDLOCK_MAKE_REG (1ULL << 8)
#define CLINUX_LANDLOCK_MAKE_SOCK (1ULL << 9)
#define CLINUX_LANDLOCK_MAKE_FIFO (1ULL << 10)
#define CLINUX_LANDLOCK_MAKE_BLOCK (1ULL << 11)
#define CLINUX_LANDLOCK_MAKE_SYM (1ULL << 12)
/* Since version 2. */
#define CLINUX_LANDLOCK_REFER (1ULL << 13)
/* Since version 3. */
#define CLINUX_LANDLOCK_TRUNCATE (1ULL << 14)
/* Since version 5. */
#define CLINUX_LANDLOCK_IOCTL_DEV (1ULL << 15)

/* What a ruleset of one version handles. */
typedef struct clinux_landlock_handled {
    uint64_t files;
    /* Binding and connecting of TCP sockets, since version 4. */
    uint64_t network;
    /* Abstract sockets and signals to processes outside, since version 6. */
    uint64_t scoped;
} clinux_landlock_handled;

clinux_landlock_handled clinux_landlock_handles(int version);

/* The kernel's version, or a negative errno: -ENOSYS where it has no Landlock, -EOPNOTSUPP where it is switched off. */
int clinux_landlock_version(void);

/* A ruleset that forbids all that `version` handles: a close-on-exec descriptor, or a negative errno. */
int clinux_landlock_create(int version);

/*
 * Allows `rights` below a folder, or on one file: as many of them as the version handles and as fit a file.
 * `place` is a descriptor, O_PATH will do. Returns 0 or a negative errno.
 */
int clinux_landlock_allow(int ruleset, int version, int place, uint64_t rights);

/*
 * From now on, and for good, the calling thread and what it starts are held to the ruleset. Needs no_new_privs. Returns
 * 0 or a negative errno.
 */
int clinux_landlock_enforce(int ruleset);

/* Whether a descriptor is in a file system of the type proc: 1, 0, or a negative errno. */
int clinux_is_proc(int place);

#endif

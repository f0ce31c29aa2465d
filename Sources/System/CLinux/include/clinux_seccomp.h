/*
 * The system calls that a helper may make (seccomp(2)): a filter built from the tables in seccomp.c, for x86-64 and
 * aarch64.
 *
 * What is in no table answers ENOSYS, as an older kernel would, so that libraries fall back; what is known and refused
 * answers EPERM. A call of another architecture ends the process.
 */
#ifndef CLINUX_SECCOMP_H
#define CLINUX_SECCOMP_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
/* The numbers of system calls, for those who ask the filter about them. */
#include <sys/syscall.h>

/* What the filter depends on. */
typedef struct clinux_seccomp_policy {
    /*
     * The one execveat whose unused sixth argument is this number is allowed: the helper's own start. It does not live on
     * in the new program, where nobody can know it.
     */
    uint64_t execution_token;
    /* The helper itself, which may signal itself even where signals are not scoped. */
    int32_t process;
    /* Landlock keeps signals inside: kill(2) and its like are allowed. Otherwise they reach the helper and its group. */
    int has_scoped_signals;
    /* Landlock keeps /proc out of reach, so that a process descriptor can only be that of an own child. */
    int has_sealed_files;
} clinux_seccomp_policy;

/* Room that every program fits in; the kernel takes no more either (BPF_MAXINSNS). */
#define CLINUX_SECCOMP_CAPACITY 4096

/* The architecture that the program is for (AUDIT_ARCH_…). */
uint32_t clinux_seccomp_architecture(void);

/* Builds the program; returns its length, or 0 where it does not fit. */
size_t clinux_seccomp_program(const clinux_seccomp_policy *policy, struct sock_filter *program, size_t capacity);

/* 0 where the kernel has what the filter needs, otherwise a negative errno. */
int clinux_seccomp_available(void);

/* From now on, and for good, the calling thread and what it starts are held to it. Needs no_new_privs. Returns 0 or a
 * negative errno. */
int clinux_seccomp_enforce(const struct sock_filter *program, size_t length);

/*
 * Executes `name` in `folder` with the token as the sixth argument (execveat(2)). Returns a negative errno, if at all.
 */
int clinux_execute(
    int folder, const char *name, const char *const *arguments, const char *const *environment, uint64_t token);

#endif

/*
 * Capabilities and the process attributes around them (capabilities(7), prctl(2), capget(2)).
 *
 * A set of capabilities is a uint64_t in which bit n stands for capability number n. All functions act on the calling
 * thread alone: call them while the process has one. Those that return int answer 0, or a negative errno.
 */
#ifndef CLINUX_PRIVILEGES_H
#define CLINUX_PRIVILEGES_H

#include <stddef.h>
#include <stdint.h>

/* The number of a capability by its name, `CAP_NET_BIND_SERVICE`, in upper case; -1 for a name not known. */
int clinux_capability_number(const char *name);

/* The name of a capability, or NULL for a number not known. */
const char *clinux_capability_name(int number);

/* The capabilities this kernel has: those in the running kernel's range. */
uint64_t clinux_capabilities_of_kernel(void);

/* Reads the thread's own sets. */
int clinux_capabilities_read(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable);

/* Sets them; none can be gained that is not permitted. */
int clinux_capabilities_write(uint64_t effective, uint64_t permitted, uint64_t inheritable);

/* The bounding set: what the process and its children can ever gain by execve. */
uint64_t clinux_bounding_read(void);

/* Takes everything but `kept` out of the bounding set. Needs CAP_SETPCAP where there is something to take out. */
int clinux_bounding_keep(uint64_t kept);

/* Empties the ambient set. */
int clinux_ambient_clear(void);

/* Adds to the ambient set; each must be permitted and inheritable already. */
int clinux_ambient_raise(uint64_t capabilities);

/* Whether permitted capabilities outlive the change to a user other than root (PR_SET_KEEPCAPS). */
int clinux_keep_capabilities(int keeps);

/* Nothing this process executes gains privileges (PR_SET_NO_NEW_PRIVS); for good. */
int clinux_no_new_privileges(void);

/* Whether the process may dump core and be traced by its own user (PR_SET_DUMPABLE). */
int clinux_set_dumpable(int dumpable);

/* 1 or 0 (PR_GET_DUMPABLE), or 2 where only root may read the dump. */
int clinux_get_dumpable(void);

/* The signal the process gets when its parent's thread ends; cleared by a change of user (PR_SET_PDEATHSIG). */
int clinux_set_parent_death_signal(int signal);

/* The name that ps and top show; cut to 15 bytes (PR_SET_NAME). */
int clinux_set_process_name(const char *name);

/*
 * Lowers both limits of open descriptors, and of processes and threads of the user, where they are above these numbers
 * (setrlimit(2)).
 */
int clinux_lower_limits(uint64_t descriptors, uint64_t processes);

/* Both limits of RLIMIT_CORE. */
int clinux_limit_core(uint64_t bytes);

/* Raises the soft limit of open descriptors to the hard one. */
int clinux_raise_descriptor_limit(void);

/*
 * The three user or group ids at once (setresgid(2), setresuid(2)) and the supplementary groups (setgroups(2)), with
 * errno as the answer.
 */
int clinux_set_groups(const uint32_t *groups, size_t count);
int clinux_set_group_id(uint32_t group);
int clinux_set_user_id(uint32_t user);

#endif

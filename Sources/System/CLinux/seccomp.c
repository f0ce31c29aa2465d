#define _GNU_SOURCE
#include "clinux_seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the tables below were read for x86-64 and aarch64 alone"
#endif

/* Numbers of later headers than the system's. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* ------------------------------------------------------------------------------------------------- calls allowed --- */

/* Whatever their arguments. What they reach is limited by Landlock, by the descriptors a helper has, and by its user. */
static const int allowed[] = {
    /* Descriptors. */
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev, SYS_preadv2,
    SYS_pwritev2, SYS_close, SYS_close_range, SYS_dup, SYS_dup3, SYS_lseek, SYS_flock, SYS_fsync, SYS_fdatasync,
    SYS_sync_file_range, SYS_ftruncate, SYS_fallocate, SYS_fadvise64, SYS_readahead, SYS_copy_file_range, SYS_sendfile,
    SYS_splice, SYS_tee, SYS_vmsplice, SYS_pipe2, SYS_eventfd2, SYS_signalfd4, SYS_memfd_create, SYS_timerfd_create,
    SYS_timerfd_settime, SYS_timerfd_gettime, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2,
    SYS_ppoll, SYS_pselect6,
    /* Files: looking and opening, making and removing. Mode, owner, times and attributes are not to be changed. */
    SYS_fstat, SYS_newfstatat, SYS_statx, SYS_statfs, SYS_fstatfs, SYS_faccessat, SYS_faccessat2, SYS_readlinkat,
    SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir, SYS_umask, SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr,
    SYS_listxattr, SYS_llistxattr, SYS_flistxattr, SYS_mkdirat, SYS_mknodat, SYS_unlinkat, SYS_renameat, SYS_renameat2,
    SYS_linkat, SYS_symlinkat,
    /* Memory. Writable and executable at once is allowed: what runs there is held to the same filter. */
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_mincore, SYS_msync, SYS_mlock, SYS_mlock2,
    SYS_munlock, SYS_mlockall, SYS_munlockall, SYS_membarrier, SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect,
    /* Threads, children, oneself. */
    SYS_exit, SYS_exit_group, SYS_wait4, SYS_waitid, SYS_futex, SYS_futex_waitv, SYS_set_tid_address,
    SYS_set_robust_list, SYS_rseq, SYS_prctl, SYS_seccomp, SYS_landlock_create_ruleset, SYS_landlock_add_rule,
    SYS_landlock_restrict_self, SYS_capget, SYS_capset, SYS_gettid, SYS_getpid, SYS_getppid, SYS_getuid, SYS_geteuid,
    SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_getgroups, SYS_getpgid, SYS_getsid, SYS_setrlimit,
    SYS_getrlimit, SYS_getrusage, SYS_times, SYS_getcpu, SYS_sysinfo, SYS_uname, SYS_getrandom, SYS_restart_syscall,
    SYS_getpriority, SYS_ioprio_get, SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getattr,
    SYS_sched_getscheduler, SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_sched_rr_get_interval,
    /* Signals to oneself, and time. */
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigpending, SYS_rt_sigtimedwait, SYS_rt_sigsuspend, SYS_rt_sigreturn,
    SYS_sigaltstack, SYS_nanosleep, SYS_clock_nanosleep, SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday,
    SYS_setitimer, SYS_getitimer, SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun,
    SYS_timer_delete,
    /* Messages over the sockets it has. With an address they would need a datagram socket, of which it can have none. */
    SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_recvfrom, SYS_shutdown, SYS_getsockname, SYS_getpeername,
#if defined(__x86_64__)
    /* The same by their older names. */
    SYS_stat, SYS_lstat, SYS_poll, SYS_access, SYS_pipe, SYS_select, SYS_dup2, SYS_pause, SYS_alarm, SYS_fork, SYS_vfork,
    SYS_getdents, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_creat, SYS_link, SYS_unlink, SYS_symlink, SYS_readlink, SYS_mknod,
    SYS_getpgrp, SYS_arch_prctl, SYS_time, SYS_epoll_create, SYS_epoll_wait, SYS_signalfd, SYS_eventfd,
#endif
};

/* ------------------------------------------------------------------------------------------------- calls refused --- */

/* With EPERM, so that whoever tries learns that it is refused and not missing. */
static const int refused[] = {
    /* Sockets: none can be made but a connected pair. */
    SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
    /* Programs: one execveat is allowed, below. */
    SYS_execve,
    /* Other processes. */
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_process_mrelease, SYS_pidfd_open,
    SYS_pidfd_getfd, SYS_kcmp, SYS_migrate_pages, SYS_move_pages, SYS_get_robust_list,
    /* Its session and group: by them all that it has started is ended with it. */
    SYS_setsid, SYS_setpgid,
    /* Users. */
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid,
    SYS_setgroups,
    /* Mode, owner, times, attributes and length of files by name, which Landlock does not guard (all of them, or on older
     * kernels), and files by handle. */
    SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr,
    SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr, SYS_truncate, SYS_name_to_handle_at, SYS_open_by_handle_at,
    /* Namespaces and mounts. */
    SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_tree, SYS_move_mount, SYS_fsopen,
    SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_swapon, SYS_swapoff, SYS_quotactl, SYS_quotactl_fd,
    SYS_fanotify_init, SYS_fanotify_mark,
    /* Memory and messages that are shared by name with others of the same user. */
    SYS_shmget, SYS_shmat, SYS_shmctl, SYS_shmdt, SYS_semget, SYS_semop, SYS_semtimedop, SYS_semctl, SYS_msgget,
    SYS_msgsnd, SYS_msgrcv, SYS_msgctl, SYS_mq_open, SYS_mq_unlink, SYS_mq_timedsend, SYS_mq_timedreceive, SYS_mq_notify,
    SYS_mq_getsetattr, SYS_add_key, SYS_request_key, SYS_keyctl,
    /* Large parts of the kernel that a helper has no use for, and the machine itself. */
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_io_setup, SYS_io_submit, SYS_io_destroy, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module, SYS_finit_module,
    SYS_delete_module, SYS_reboot, SYS_syslog, SYS_acct, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex,
    SYS_clock_adjtime, SYS_sethostname, SYS_setdomainname, SYS_vhangup, SYS_sync, SYS_syncfs,
#if defined(__x86_64__)
    SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat, SYS_iopl, SYS_ioperm, SYS_modify_ldt,
    SYS_uselib, SYS_ustat, SYS_sysfs, SYS__sysctl,
#endif
};

/* ----------------------------------------------------------------------------------- calls allowed with conditions --- */

/* One condition on one argument: its lower or upper half, masked, is among the values, or is not. */
typedef struct condition {
    uint8_t argument;
    uint8_t is_upper_half;
    uint8_t is_inverted;
    uint8_t value_count;
    uint32_t mask;
    uint32_t values[8];
} condition;

typedef struct conditional {
    int number;
    uint8_t condition_count;
    condition conditions[2];
} conditional;

#define ANY_BIT 0xffffffffu
#define AMONG(...) .value_count = sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), .values = {__VA_ARGS__}
#define IS(index, ...) \
    {.argument = (index), .mask = ANY_BIT, AMONG(__VA_ARGS__)}
#define IS_NOT(index, ...) \
    {.argument = (index), .is_inverted = 1, .mask = ANY_BIT, AMONG(__VA_ARGS__)}
#define LACKS(index, bits) \
    {.argument = (index), .mask = (bits), AMONG(0)}
#define ONE(call, ...) \
    {.number = (call), .condition_count = 1, .conditions = {__VA_ARGS__}}
#define TWO(call, ...) \
    {.number = (call), .condition_count = 2, .conditions = {__VA_ARGS__}}

/* Namespaces, and a child that would be its parent's sibling. */
#define CLONE_REFUSED                                                                                            \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
     CLONE_PARENT)

static const conditional conditionals[] = {
    ONE(SYS_clone, LACKS(0, (uint32_t)CLONE_REFUSED)),
    /* Streams and packets in pairs; a datagram socket, even of a pair, could be made to send anywhere by its address. */
    TWO(SYS_socketpair, IS(0, AF_UNIX), {.argument = 1, .mask = 0xf, AMONG(SOCK_STREAM, SOCK_SEQPACKET)}),
    TWO(SYS_sendto, IS(4, 0), {.argument = 4, .is_upper_half = 1, .mask = ANY_BIT, AMONG(0)}),
    TWO(SYS_setsockopt, IS(1, SOL_SOCKET),
        IS(2, SO_SNDBUF, SO_RCVBUF, SO_PASSCRED, SO_RCVTIMEO, SO_SNDTIMEO, SO_RCVLOWAT)),
    TWO(SYS_getsockopt, IS(1, SOL_SOCKET), IS_NOT(2, SO_PEERPIDFD)),
    /* A file that may only be read can still be cut short by opening it so; Landlock's first two versions let it. */
    ONE(SYS_openat, {.argument = 2, .is_inverted = 1, .mask = O_TRUNC | O_ACCMODE, AMONG(O_TRUNC | O_RDONLY)}),
    /* Whom the kernel is to signal about a descriptor: anyone of the same user. And leases, which hold others up. */
    ONE(SYS_fcntl, IS_NOT(1, 8 /* F_SETOWN */, 10 /* F_SETSIG */, 15 /* F_SETOWN_EX */, 1024 /* F_SETLEASE */)),
    ONE(SYS_ioctl, IS_NOT(1, 0x8901 /* FIOSETOWN */, 0x8902 /* SIOCSPGRP */, 0x5412 /* TIOCSTI */, 0x541C /* TIOCLINUX */,
                          0x540E /* TIOCSCTTY */)),
    /* Limits, priorities and processors: its own alone. */
    ONE(SYS_prlimit64, IS(0, 0)),
    TWO(SYS_setpriority, IS(0, 0 /* PRIO_PROCESS */, 1 /* PRIO_PGRP */), IS(1, 0)),
    TWO(SYS_ioprio_set, IS(0, 1 /* IOPRIO_WHO_PROCESS */, 2 /* IOPRIO_WHO_PGRP */), IS(1, 0)),
    ONE(SYS_sched_setaffinity, IS(0, 0)),
    ONE(SYS_sched_setparam, IS(0, 0)),
    ONE(SYS_sched_setscheduler, IS(0, 0)),
    ONE(SYS_sched_setattr, IS(0, 0)),
    /* Asking which personality it has, and having the usual one. */
    ONE(SYS_personality, IS(0, 0, 0xffffffffu)),
#if defined(__x86_64__)
    ONE(SYS_open, {.argument = 1, .is_inverted = 1, .mask = O_TRUNC | O_ACCMODE, AMONG(O_TRUNC | O_RDONLY)}),
#endif
};

/* ------------------------------------------------------------------------------------------------------- building --- */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum {
    ALLOW = SECCOMP_RET_ALLOW,
    REFUSE = SECCOMP_RET_ERRNO | EPERM,
    MISSING = SECCOMP_RET_ERRNO | ENOSYS,
};

typedef struct builder {
    struct sock_filter *program;
    size_t length;
    size_t capacity;
} builder;

static void put(builder *builder, uint16_t code, uint8_t if_true, uint8_t if_false, uint32_t value) {
    if (builder->length < builder->capacity)
        builder->program[builder->length] = (struct sock_filter){code, if_true, if_false, value};
    builder->length++;
}

static void load(builder *builder, size_t offset) { put(builder, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset); }

static void answer(builder *builder, uint32_t action) { put(builder, BPF_RET | BPF_K, 0, 0, action); }

/* Where an argument's half lies; both architectures are little-endian. */
static size_t place(const condition *condition) {
    return offsetof(struct seccomp_data, args) + 8u * condition->argument + 4u * condition->is_upper_half;
}

static void check(builder *builder, const condition *condition) {
    load(builder, place(condition));
    if (condition->mask != ANY_BIT) put(builder, BPF_ALU | BPF_AND | BPF_K, 0, 0, condition->mask);
    /* Behind the comparisons: one instruction that goes on where none of them held, and the refusal. A plain condition
     * refuses there and goes on where one held; an inverted one the other way round. */
    uint8_t left = condition->value_count;
    for (uint8_t index = 0; index < condition->value_count; index++) {
        left--;
        uint8_t to_refusal = (uint8_t)(left + 1), past_refusal = (uint8_t)(left + (condition->is_inverted ? 2 : 1));
        put(builder, BPF_JMP | BPF_JEQ | BPF_K, condition->is_inverted ? to_refusal : past_refusal, 0,
            condition->values[index]);
    }
    if (condition->is_inverted) put(builder, BPF_JMP | BPF_JA, 0, 0, 1);
    answer(builder, REFUSE);
}

/* Leaves the number of the call loaded where it is another. */
static void put_conditional(builder *target, const conditional *call) {
    struct sock_filter block[64];
    builder inner = {block, 0, COUNT(block)};
    for (size_t index = 0; index < call->condition_count; index++) check(&inner, &call->conditions[index]);
    answer(&inner, ALLOW);
    put(target, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)inner.length, (uint32_t)call->number);
    for (size_t index = 0; index < inner.length; index++)
        put(target, block[index].code, block[index].jt, block[index].jf, block[index].k);
}

static void put_plain(builder *builder, int number, uint32_t action) {
    put(builder, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)number);
    answer(builder, action);
}

/* Signals by number. Where Landlock scopes them, the kernel sees to it that they stay inside. Elsewhere they reach the
 * helper itself, and by 0 its group, which it cannot leave: others of its user are out of reach, its children are within
 * it by their process descriptors alone. */
static void put_signals(builder *builder, const clinux_seccomp_policy *policy) {
    static const int numbers[] = {SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo};
    for (size_t index = 0; index < COUNT(numbers); index++) {
        if (policy->has_scoped_signals) {
            put_plain(builder, numbers[index], ALLOW);
        } else if (numbers[index] == SYS_kill) {
            conditional call = ONE(SYS_kill, IS(0, 0, (uint32_t)policy->process));
            put_conditional(builder, &call);
        } else {
            conditional call = ONE(numbers[index], IS(0, (uint32_t)policy->process));
            put_conditional(builder, &call);
        }
    }
    put_plain(builder, SYS_tkill, policy->has_scoped_signals ? ALLOW : REFUSE);
    int is_contained = policy->has_scoped_signals || policy->has_sealed_files;
    put_plain(builder, SYS_pidfd_send_signal, is_contained ? ALLOW : REFUSE);
}

static void put_execution(builder *builder, uint64_t token) {
    conditional call = TWO(
        SYS_execveat, IS(5, (uint32_t)token),
        {.argument = 5, .is_upper_half = 1, .mask = ANY_BIT, AMONG((uint32_t)(token >> 32))});
    put_conditional(builder, &call);
}

uint32_t clinux_seccomp_architecture(void) { return ARCHITECTURE; }

size_t clinux_seccomp_program(const clinux_seccomp_policy *policy, struct sock_filter *program, size_t capacity) {
    builder builder = {program, 0, capacity};
    load(&builder, offsetof(struct seccomp_data, arch));
    put(&builder, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
    answer(&builder, SECCOMP_RET_KILL_PROCESS);
    load(&builder, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    /* The x32 interface has the same architecture and numbers of its own, for the same calls. */
    put(&builder, BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0x40000000u);
    answer(&builder, MISSING);
#endif
    for (size_t index = 0; index < COUNT(conditionals); index++) put_conditional(&builder, &conditionals[index]);
    put_signals(&builder, policy);
    put_execution(&builder, policy->execution_token);
    for (size_t index = 0; index < COUNT(allowed); index++) put_plain(&builder, allowed[index], ALLOW);
    for (size_t index = 0; index < COUNT(refused); index++) put_plain(&builder, refused[index], REFUSE);
    /* clone3, whose flags a filter cannot see, openat2, for the same reason, and whatever is newer than the tables. */
    answer(&builder, MISSING);
    return builder.length <= capacity ? builder.length : 0;
}

/* ------------------------------------------------------------------------------------------------------ enforcing --- */

int clinux_seccomp_available(void) {
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 ? 0 : -errno;
}

int clinux_seccomp_enforce(const struct sock_filter *program, size_t length) {
    if (length == 0 || length > CLINUX_SECCOMP_CAPACITY) return -EINVAL;
    struct sock_fprog filter = {.len = (unsigned short)length, .filter = (struct sock_filter *)program};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0 ? 0 : -errno;
}

int clinux_execute(
    int folder, const char *name, const char *const *arguments, const char *const *environment, uint64_t token) {
    syscall(SYS_execveat, folder, name, arguments, environment, 0, token);
    return -errno;
}

/*
 * The program that live tests have the host start as a helper. It does what each message on its socket asks for and
 * answers with one message: `ok …`, or `no NAME` with the name of errno. The attempts are those that a sealed program
 * must fail at, and those that it must not.
 *
 *     fixture-helper                         answers on descriptor 3
 *     fixture-helper sealed VERSION WORD…    seals itself as on a kernel with this version of Landlock (0: none), tries
 *                                            what the words say, and prints the answer
 *     fixture-helper lacking landlock|seccomp PROGRAM ARGUMENT…
 *                                            executes the program where the kernel seems to lack it
 */
#define _GNU_SOURCE
#include <CLinux.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/unistd.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SOCKET = 3, CAPACITY = 4096 };

/* A message under work: its words, the descriptor that came with it, and the answer with one to go back. */
typedef struct task {
    char *words[80];
    int count;
    int received;
    char answer[CAPACITY];
    int sent;
} task;

/* Stay when the socket ends. */
static int outlives;

static const char *word(const task *task, int index) { return index < task->count ? task->words[index] : ""; }

static long number(const task *task, int index) { return strtol(word(task, index), NULL, 10); }

/* The result of a system call as an answer. */
static void say(task *task, long result) {
    if (result >= 0) snprintf(task->answer, sizeof task->answer, "ok %ld", result);
    else snprintf(task->answer, sizeof task->answer, "no %s", strerrorname_np(errno));
}

/* ------------------------------------------------------------------------------------------------------- attempts --- */

static void try_open(task *task) {
    int flags = 0;
    for (int index = 2; index < task->count; index++) {
        if (strcmp(word(task, index), "write") == 0) flags |= O_WRONLY;
        if (strcmp(word(task, index), "create") == 0) flags |= O_WRONLY | O_CREAT;
        if (strcmp(word(task, index), "truncate") == 0) flags |= O_TRUNC;
        if (strcmp(word(task, index), "folder") == 0) flags |= O_DIRECTORY;
    }
    int file = open(word(task, 1), flags | O_CLOEXEC, 0600);
    if (file < 0) return say(task, file);
    if (flags & O_CREAT && write(file, "written", 7) != 7) return say(task, -1);
    char text[CAPACITY - 16] = "";
    ssize_t length = flags == 0 ? read(file, text, sizeof text - 1) : 0;
    close(file);
    /* The first line is enough. */
    text[length > 0 ? length : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    snprintf(task->answer, sizeof task->answer, "ok %s", text);
}

static void try_socket(task *task) {
    const char *family = word(task, 1);
    int domain = strcmp(family, "inet") == 0    ? AF_INET
                 : strcmp(family, "inet6") == 0 ? AF_INET6
                 : strcmp(family, "netlink") == 0 ? AF_NETLINK
                 : strcmp(family, "packet") == 0  ? AF_PACKET
                 : strcmp(family, "vsock") == 0   ? AF_VSOCK
                                                  : AF_UNIX;
    int type = domain == AF_NETLINK || domain == AF_PACKET ? SOCK_RAW : SOCK_STREAM;
    say(task, socket(domain, type, 0));
}

static void try_pair(task *task) {
    int ends[2];
    int type = strcmp(word(task, 1), "datagram") == 0 ? SOCK_DGRAM : strcmp(word(task, 1), "stream") == 0 ? SOCK_STREAM : SOCK_SEQPACKET;
    int result = socketpair(AF_UNIX, type, 0, ends);
    if (result == 0) {
        close(ends[0]);
        close(ends[1]);
    }
    say(task, result);
}

/* Connects a descriptor that was sent, or its own socket: a socket made outside must not lead anywhere either. */
static void try_connect(task *task) {
    int target = task->received >= 0 ? task->received : SOCKET;
    if (strcmp(word(task, 1), "tcp") == 0) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(task, 2))};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return say(task, connect(target, (struct sockaddr *)&address, sizeof address));
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, word(task, 2), sizeof address.sun_path - 1);
    say(task, connect(target, (struct sockaddr *)&address, sizeof address));
}

static void try_execute(task *task) {
    const char *kind = word(task, 1), *path = word(task, 2);
    char *arguments[] = {(char *)path, task->count > 3 ? task->words[3] : NULL, NULL};
    char *environment[] = {NULL};
    if (strcmp(kind, "execve") == 0) return say(task, execve(path, arguments, environment));
    if (strcmp(kind, "execveat") == 0)
        return say(task, syscall(SYS_execveat, AT_FDCWD, path, arguments, environment, 0, 0));
    /* A program in memory. */
    int file = memfd_create("program", MFD_CLOEXEC);
    if (file < 0) return say(task, file);
    say(task, syscall(SYS_execveat, file, "", arguments, environment, AT_EMPTY_PATH, 0));
}

static void try_signal(task *task) {
    const char *way = word(task, 1);
    pid_t target = (pid_t)number(task, 2);
    int signal = task->count > 3 ? (int)number(task, 3) : 0;
    siginfo_t information = {.si_code = SI_QUEUE};
    if (strcmp(way, "kill") == 0) return say(task, kill(target, signal));
    if (strcmp(way, "tgkill") == 0) return say(task, syscall(SYS_tgkill, target, target, signal));
    if (strcmp(way, "tkill") == 0) return say(task, syscall(SYS_tkill, target, signal));
    if (strcmp(way, "queue") == 0) return say(task, syscall(SYS_rt_sigqueueinfo, target, signal, &information));
    if (strcmp(way, "pidfd") == 0) return say(task, syscall(SYS_pidfd_open, target, 0));
    if (strcmp(way, "proc") == 0) {
        /* A folder of /proc is a process descriptor too. */
        char path[64];
        snprintf(path, sizeof path, "/proc/%d", target);
        int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) return say(task, folder);
        return say(task, syscall(SYS_pidfd_send_signal, folder, signal, NULL, 0));
    }
    if (strcmp(way, "peer") == 0) {
        int peer = -1;
        socklen_t length = sizeof peer;
        return say(task, getsockopt(SOCKET, SOL_SOCKET, 77 /* SO_PEERPIDFD */, &peer, &length));
    }
    /* The kernel would send it when the pipe becomes readable. */
    if (strcmp(way, "owner") == 0) return say(task, fcntl(SOCKET, F_SETOWN, target));
    if (strcmp(way, "limit") == 0) {
        struct rlimit limit = {0, 0};
        return say(task, prlimit(target, RLIMIT_CPU, &limit, NULL));
    }
    if (strcmp(way, "priority") == 0) return say(task, setpriority(PRIO_PROCESS, (id_t)target, 19));
    if (strcmp(way, "group") == 0) return say(task, setpgid(0, target));
    errno = EINVAL;
    say(task, -1);
}

static void try_look(task *task) {
    const char *way = word(task, 1);
    pid_t target = (pid_t)number(task, 2);
    static char theirs[64];
    struct iovec ours = {theirs, sizeof theirs}, remote = {(void *)theirs, sizeof theirs};
    if (strcmp(way, "attach") == 0) return say(task, ptrace(PTRACE_ATTACH, target, NULL, NULL));
    if (strcmp(way, "seize") == 0) return say(task, ptrace(PTRACE_SEIZE, target, NULL, NULL));
    if (strcmp(way, "read") == 0) return say(task, process_vm_readv(target, &ours, 1, &remote, 1, 0));
    if (strcmp(way, "write") == 0) return say(task, process_vm_writev(target, &ours, 1, &remote, 1, 0));
    if (strcmp(way, "descriptor") == 0) return say(task, syscall(SYS_pidfd_getfd, SOCKET, 0, 0));
    if (strcmp(way, "compare") == 0) return say(task, syscall(SYS_kcmp, getpid(), target, 0, 0, 0));
    errno = EINVAL;
    say(task, -1);
}

static void try_clone(task *task) {
    long flags = strtol(word(task, 1), NULL, 0);
    pid_t child = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
    say(task, child > 0 ? 0 : -1);
}

static void try_call(task *task) {
    const char *name = word(task, 1);
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    struct { uint64_t flags, mode, resolve; } how = {O_RDONLY, 0, 0};
    char scratch[256] = {0};
    if (strcmp(name, "unshare") == 0) return say(task, unshare(CLONE_NEWUSER));
    if (strcmp(name, "setns") == 0) return say(task, setns(SOCKET, 0));
    if (strcmp(name, "mount") == 0) return say(task, mount("none", "/tmp", "tmpfs", 0, NULL));
    if (strcmp(name, "umount") == 0) return say(task, umount2("/tmp", MNT_DETACH));
    if (strcmp(name, "chroot") == 0) return say(task, chroot("/"));
    if (strcmp(name, "setuid") == 0) return say(task, setuid(0));
    if (strcmp(name, "setgid") == 0) return say(task, setgid(0));
    if (strcmp(name, "setsid") == 0) return say(task, setsid());
    if (strcmp(name, "clone3") == 0) return say(task, syscall(SYS_clone3, &arguments, sizeof arguments));
    if (strcmp(name, "openat2") == 0) return say(task, syscall(SYS_openat2, AT_FDCWD, "/dev/null", &how, sizeof how));
    if (strcmp(name, "io_uring") == 0) return say(task, syscall(SYS_io_uring_setup, 1, scratch));
    if (strcmp(name, "keyctl") == 0) return say(task, syscall(SYS_keyctl, 0, -3, 1));
    if (strcmp(name, "add_key") == 0) return say(task, syscall(SYS_add_key, "user", "a", "b", 1, -3));
    if (strcmp(name, "bpf") == 0) return say(task, syscall(SYS_bpf, 0, scratch, sizeof scratch));
    if (strcmp(name, "perf") == 0) return say(task, syscall(SYS_perf_event_open, scratch, 0, -1, -1, 0));
    if (strcmp(name, "userfault") == 0) return say(task, syscall(SYS_userfaultfd, 0));
    if (strcmp(name, "handle") == 0) return say(task, syscall(SYS_open_by_handle_at, AT_FDCWD, scratch, 0));
    if (strcmp(name, "kexec") == 0) return say(task, syscall(SYS_kexec_load, 0, 0, NULL, 0));
    if (strcmp(name, "shm") == 0) return say(task, shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
    if (strcmp(name, "mq") == 0) return say(task, syscall(SYS_mq_open, "queue", O_CREAT | O_RDWR, 0600, NULL));
    if (strcmp(name, "bind") == 0) return say(task, syscall(SYS_bind, SOCKET, scratch, 2));
    if (strcmp(name, "listen") == 0) return say(task, listen(SOCKET, 1));
    if (strcmp(name, "accept") == 0) return say(task, accept(SOCKET, NULL, NULL));
    if (strcmp(name, "chmod") == 0) return say(task, chmod(word(task, 2), 0777));
    if (strcmp(name, "truncate") == 0) return say(task, truncate(word(task, 2), 0));
    if (strcmp(name, "mkdir") == 0) return say(task, mkdir(word(task, 2), 0700));
    if (strcmp(name, "unlink") == 0) return say(task, unlink(word(task, 2)));
    if (strcmp(name, "rename") == 0) return say(task, rename(word(task, 2), word(task, 3)));
    if (strcmp(name, "unknown") == 0) return say(task, syscall(100000));
    errno = EINVAL;
    say(task, -1);
}

/* -------------------------------------------------------------------------------------------------- what must work --- */

static void facts(task *task) {
    uint64_t effective = 0, permitted = 0, inheritable = 0;
    clinux_capabilities_read(&effective, &permitted, &inheritable);
    char folder[256] = "?";
    if (!getcwd(folder, sizeof folder)) folder[0] = 0;
    const char *temporary = getenv("TMPDIR");
    snprintf(
        task->answer, sizeof task->answer,
        "ok pid=%d parent=%d user=%u capabilities=%llx no_new_privs=%d session=%d group=%d folder=%s tmp=%s core=%d",
        getpid(), getppid(), getuid(), (unsigned long long)effective, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), getsid(0),
        getpgrp(), folder, temporary ? temporary : "-", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

/* Its open descriptors, by asking for each. */
static void descriptors(task *task) {
    size_t length = (size_t)snprintf(task->answer, sizeof task->answer, "ok");
    for (int descriptor = 0; descriptor < 1024; descriptor++) {
        if (descriptor == task->received || fcntl(descriptor, F_GETFD) < 0) continue;
        length += (size_t)snprintf(task->answer + length, sizeof task->answer - length, " %d", descriptor);
    }
}

/* A child that would live for ever, ended through its process descriptor. */
static void end_child(task *task) {
    int pidfd = -1;
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);
    if (child < 0) return say(task, child);
    if (child == 0) for (;;) pause();
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) != 0) return say(task, -1);
    int status = 0;
    waitpid(child, &status, 0);
    close(pidfd);
    snprintf(task->answer, sizeof task->answer, "ok %d", WTERMSIG(status));
}

/* Children that hold nothing and wait for ever; the answer names the last. */
static void leave_children(task *task) {
    pid_t child = 0;
    for (long left = number(task, 1); left > 0; left--) {
        child = fork();
        if (child == 0) {
            signal(SIGTERM, SIG_IGN);
            for (;;) pause();
        }
        if (child < 0) break;
    }
    say(task, child);
}

static void allocate(task *task) {
    size_t size = (size_t)number(task, 1) << 20;
    char *memory = malloc(size);
    if (!memory) return say(task, -1);
    memset(memory, 7, size);
    char last = memory[size - 1];
    free(memory);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say(task, page == MAP_FAILED ? -1 : last);
}

static void read_received(task *task) {
    char text[256] = "";
    ssize_t length = read(task->received, text, sizeof text - 1);
    if (length < 0) return say(task, -1);
    snprintf(task->answer, sizeof task->answer, "ok %s", text);
}

static void send_memory(task *task) {
    task->sent = memfd_create("answer", MFD_CLOEXEC);
    if (task->sent < 0 || write(task->sent, "from the helper", 15) != 15) return say(task, -1);
    lseek(task->sent, 0, SEEK_SET);
    say(task, 0);
}

static void list_root(task *task) {
    char entries[4096];
    say(task, syscall(SYS_getdents64, 4, entries, sizeof entries));
}

static void carry_out(task *task) {
    const char *verb = word(task, 0);
    if (strcmp(verb, "open") == 0) return try_open(task);
    if (strcmp(verb, "socket") == 0) return try_socket(task);
    if (strcmp(verb, "pair") == 0) return try_pair(task);
    if (strcmp(verb, "connect") == 0) return try_connect(task);
    if (strcmp(verb, "execute") == 0) return try_execute(task);
    if (strcmp(verb, "signal") == 0) return try_signal(task);
    if (strcmp(verb, "look") == 0) return try_look(task);
    if (strcmp(verb, "clone") == 0) return try_clone(task);
    if (strcmp(verb, "call") == 0) return try_call(task);
    if (strcmp(verb, "facts") == 0) return facts(task);
    if (strcmp(verb, "descriptors") == 0) return descriptors(task);
    if (strcmp(verb, "end-child") == 0) return end_child(task);
    if (strcmp(verb, "leave-children") == 0) return leave_children(task);
    if (strcmp(verb, "allocate") == 0) return allocate(task);
    if (strcmp(verb, "read") == 0) return read_received(task);
    if (strcmp(verb, "give") == 0) return send_memory(task);
    if (strcmp(verb, "root") == 0) return list_root(task);
    if (strcmp(verb, "exit") == 0) exit((int)number(task, 1));
    if (strcmp(verb, "die") == 0) {
        raise((int)number(task, 1));
        return say(task, -1);
    }
    if (strcmp(verb, "ignore-term") == 0) return say(task, signal(SIGTERM, SIG_IGN) == SIG_ERR ? -1 : 0);
    if (strcmp(verb, "outlive") == 0) return say(task, outlives = 1);
    if (strcmp(verb, "print") == 0) {
        fprintf(stderr, "%s\n", word(task, 1));
        return say(task, 0);
    }
    snprintf(task->answer, sizeof task->answer, "no such attempt: %s", verb);
}

/* --------------------------------------------------------------------------------------------------------- socket --- */

static ssize_t receive(char *text, int *descriptor) {
    union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec part = {text, CAPACITY - 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *descriptor = -1;
    ssize_t length = recvmsg(SOCKET, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_type == SCM_RIGHTS) memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    return length;
}

static void reply(const task *task) {
    clinux_send(SOCKET, task->answer, strlen(task->answer), &task->sent, task->sent >= 0 ? 1 : 0);
}

static void split(task *task, char *text) {
    task->count = 0;
    for (char *part = strtok(text, " "); part && task->count < 80; part = strtok(NULL, " "))
        task->words[task->count++] = part;
}

static int serve(int argument_count, char **arguments) {
    static task task;
    static char text[CAPACITY];
    for (;;) {
        ssize_t length = receive(text, &task.received);
        while (length <= 0 && outlives) pause();
        if (length <= 0) return 0;
        text[length] = 0;
        task.answer[0] = 0;
        task.sent = -1;
        split(&task, text);
        if (strcmp(word(&task, 0), "arguments") == 0) {
            size_t used = (size_t)snprintf(task.answer, sizeof task.answer, "ok %d", argument_count);
            for (int index = 0; index < argument_count && used < sizeof task.answer; index++)
                used += (size_t)snprintf(task.answer + used, sizeof task.answer - used, "|%s", arguments[index]);
        } else {
            carry_out(&task);
        }
        reply(&task);
        if (task.received >= 0) close(task.received);
        if (task.sent >= 0) close(task.sent);
    }
}

/* -------------------------------------------------------------------------------------------- without the host --- */

/* Sealed as the host would on an older kernel: Landlock's first versions know neither signals nor truncation. */
static int seal(int version) {
    static struct sock_filter program[CLINUX_SECCOMP_CAPACITY];
    clinux_seccomp_policy policy = {
        .execution_token = 1, .process = getpid(), .has_scoped_signals = version >= 6, .has_sealed_files = version > 0};
    if (clinux_no_new_privileges() != 0) return -1;
    if (version > 0) {
        int ruleset = clinux_landlock_create(version);
        int folder = open("/etc", O_PATH | O_CLOEXEC);
        if (ruleset < 0 || clinux_landlock_allow(ruleset, version, folder, CLINUX_LANDLOCK_READ_FILE) != 0) return -1;
        if (clinux_landlock_enforce(ruleset) != 0) return -1;
        close(folder);
    }
    size_t length = clinux_seccomp_program(&policy, program, CLINUX_SECCOMP_CAPACITY);
    return clinux_seccomp_enforce(program, length);
}

static int try_sealed(int count, char **words) {
    static task task;
    task.received = task.sent = -1;
    if (seal(atoi(words[0])) != 0) return 2;
    for (int index = 1; index < count && task.count < 80; index++) task.words[task.count++] = words[index];
    carry_out(&task);
    puts(task.answer);
    return 0;
}

/* A filter under which a kernel seems to lack what seals helpers. */
static int execute_lacking(const char *missing, char **command) {
    int first = strcmp(missing, "landlock") == 0 ? SYS_landlock_create_ruleset : SYS_seccomp;
    struct sock_filter program[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)first},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    /* Without no_new_privs, which the host would inherit, where that is allowed. */
    int status = clinux_seccomp_enforce(program, sizeof program / sizeof *program);
    if (status != 0 && clinux_no_new_privileges() == 0)
        status = clinux_seccomp_enforce(program, sizeof program / sizeof *program);
    if (status != 0) return 2;
    execv(command[0], command);
    return 2;
}

int main(int count, char **arguments) {
    if (count > 3 && strcmp(arguments[1], "sealed") == 0) return try_sealed(count - 2, arguments + 2);
    if (count > 3 && strcmp(arguments[1], "lacking") == 0) return execute_lacking(arguments[2], arguments + 3);
    return serve(count, arguments);
}

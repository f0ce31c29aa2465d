#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child reports where it could not become its program. */
typedef struct failure {
    int error;
    int step;
} failure;

enum { STEP_DESCRIPTORS, STEP_EXECUTE, STEP_FORK, STEP_PIPE, STEP_NULL, STEP_PIDFD };

static const char *const step_names[] = {
    "arranging its descriptors", "executing the program", "fork", "pipe", "opening /dev/null", "pidfd_open",
};

/* Where the child keeps what it moves out of the way of 0 to 3. */
enum { FIRST_FREE = 16, REPORT = 4 };

static void fail(int report, int step) {
    failure failure = {errno, step};
    ssize_t ignored = write(report, &failure, sizeof failure);
    (void)ignored;
    _exit(127);
}

/* The descriptor's duplicate above those that are about to be replaced. */
static int lift(int descriptor, int report) {
    int lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_FREE);
    if (lifted < 0) fail(report, STEP_DESCRIPTORS);
    return lifted;
}

static void reset_signals(void) {
    /* By the system call, since the C library refuses two signals of its own, and those can be inherited ignored too.
     * All zero is SIG_DFL without flags in every layout of the kernel's structure. SIGKILL and SIGSTOP refuse, and are
     * at their default anyway. */
    unsigned char action[64] = {0};
    for (int number = 1; number <= 64; number++) syscall(SYS_rt_sigaction, number, action, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const clinux_spawn_request *request, int null, int report) {
    report = lift(report, report);
    null = lift(null, report);
    int output = request->output >= 0 ? lift(request->output, report) : null;
    int error = request->error >= 0 ? lift(request->error, report) : null;
    int control = request->control >= 0 ? lift(request->control, report) : -1;
    if (dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0) fail(report, STEP_DESCRIPTORS);
    if (control >= 0 ? dup2(control, 3) < 0 : close(3) < 0 && errno != EBADF) fail(report, STEP_DESCRIPTORS);
    if (dup3(report, REPORT, O_CLOEXEC) < 0) fail(report, STEP_DESCRIPTORS);
    if (close_range(REPORT + 1, ~0U, 0) < 0) fail(REPORT, STEP_DESCRIPTORS);
    if (request->has_session) setsid();
    else setpgid(0, 0);
    reset_signals();
    execve(request->path, (char *const *)request->arguments, (char *const *)request->environment);
    fail(REPORT, STEP_EXECUTE);
    _exit(127);
}

/* Whether the child became its program: the report's end without a word. */
static failure read_report(int report) {
    failure failure = {0, STEP_EXECUTE};
    ssize_t length;
    do length = read(report, &failure, sizeof failure);
    while (length < 0 && errno == EINTR);
    if (length != (ssize_t)sizeof failure) failure.error = 0;
    return failure;
}

static int give_up(int step, int error, const char **name) {
    *name = step_names[step];
    return -error;
}

int clinux_spawn(const clinux_spawn_request *request, int *pidfd, const char **step) {
    int report[2];
    *pidfd = -1;
    if (pipe2(report, O_CLOEXEC) < 0) return give_up(STEP_PIPE, errno, step);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        int error = errno;
        close(report[0]);
        close(report[1]);
        return give_up(STEP_NULL, error, step);
    }
    /* No handler of the caller's may run in the child. */
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    pid_t child = fork();
    int error = errno;
    if (child == 0) become(request, null, report[1]);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    close(null);
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        return give_up(STEP_FORK, error, step);
    }
    failure failure = read_report(report[0]);
    close(report[0]);
    if (failure.error == 0) {
        *pidfd = (int)syscall(SYS_pidfd_open, child, 0);
        if (*pidfd >= 0) return child;
        failure.error = errno;
        failure.step = STEP_PIDFD;
        kill(child, SIGKILL);
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    return give_up(failure.step, failure.error, step);
}

int clinux_pipe(int *read_end, int *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int clinux_close_at_execution(uint32_t first) {
    return close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) == 0 ? 0 : -errno;
}

int clinux_packet_pair(int *ours, int *theirs) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    *ours = ends[0];
    *theirs = ends[1];
    return 0;
}

int clinux_make_directory_as(const char *path, uint32_t mode, uint32_t user, uint32_t group) {
    gid_t former_group = (gid_t)setfsgid(group);
    uid_t former_user = (uid_t)setfsuid(user);
    int error = 0;
    /* setfsuid has no way to fail aloud: asking again tells. */
    if ((uid_t)setfsuid(user) != user || (gid_t)setfsgid(group) != group) error = EPERM;
    else if (mkdir(path, mode) < 0) error = errno;
    setfsuid(former_user);
    setfsgid(former_group);
    return -error;
}

const int clinux_o_path = O_PATH;

int clinux_open_as(const char *path, int flags, uint32_t user, uint32_t group) {
    gid_t former_group = (gid_t)setfsgid(group);
    uid_t former_user = (uid_t)setfsuid(user);
    int result;
    if ((uid_t)setfsuid(user) != user || (gid_t)setfsgid(group) != group) result = -EPERM;
    else if ((result = open(path, flags | O_CLOEXEC)) < 0) result = -errno;
    setfsuid(former_user);
    setfsgid(former_group);
    return result;
}

typedef struct library_search {
    size_t left;
    char *path;
    size_t capacity;
    int is_loader;
} library_search;

static int look_at_library(struct dl_phdr_info *library, size_t size, void *context) {
    (void)size;
    library_search *search = context;
    if (search->left-- > 0) return 0;
    strncpy(search->path, library->dlpi_name, search->capacity - 1);
    search->path[search->capacity - 1] = 0;
    search->is_loader = library->dlpi_addr != 0 && library->dlpi_addr == getauxval(AT_BASE);
    return 1;
}

int clinux_loaded_library(size_t index, char *path, size_t capacity, int *is_loader) {
    library_search search = {index, path, capacity, 0};
    if (capacity == 0 || dl_iterate_phdr(look_at_library, &search) != 1) return -ENOENT;
    *is_loader = search.is_loader;
    return 0;
}

int clinux_peer_credentials(int socket, int32_t *process, uint32_t *user, uint32_t *group) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
    *process = credentials.pid;
    *user = credentials.uid;
    *group = credentials.gid;
    return 0;
}

int clinux_reap_stray(const int32_t *known, int count) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return 0;
    for (int index = 0; index < count; index++) {
        if (known[index] == info.si_pid) return 0;
    }
    return waitpid(info.si_pid, NULL, WNOHANG) > 0 ? info.si_pid : 0;
}

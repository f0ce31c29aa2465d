/* Starting a process with nothing inherited but what is named (fork(2), execve(2), close_range(2), pidfd_open(2)). */
#ifndef CLINUX_SPAWN_H
#define CLINUX_SPAWN_H

#include <stddef.h>
#include <stdint.h>

/* What a child is to be. Strings and descriptors stay the caller's. */
typedef struct clinux_spawn_request {
    /* The program; `/proc/self/exe` is the one that runs now, even if its file was replaced. */
    const char *path;
    /* NULL-terminated. */
    const char *const *arguments;
    const char *const *environment;
    /* Become 1, 2 and 3; -1: /dev/null for 1 and 2, closed for 3. */
    int output;
    int error;
    int control;
    /* 1: a session of its own, with no terminal, instead of only a process group of its own. */
    int has_session;
} clinux_spawn_request;

/*
 * Starts a child: descriptor 0 is /dev/null, 1 to 3 as requested, every other closed; no signal blocked or ignored; a
 * process group of its own, so that a terminal's keys reach only the caller. It has executed its program when this
 * returns. Between fork and exec only async-signal-safe functions run, so that the caller may have threads.
 * Returns the process id and sets *pidfd (close-on-exec), or a negative errno with *step naming what failed.
 */
int clinux_spawn(const clinux_spawn_request *request, int *pidfd, const char **step);

/*
 * A connected pair of sockets that keep the bounds of messages (SOCK_SEQPACKET), both close-on-exec; the first does not
 * block. Returns 0 or a negative errno.
 */
int clinux_packet_pair(int *ours, int *theirs);

/* Marks every descriptor from `first` on to be closed by the execution of a program. Returns 0 or a negative errno. */
int clinux_close_at_execution(uint32_t first);

/* A pipe, both ends close-on-exec (pipe2(2)). Returns 0 or a negative errno. */
int clinux_pipe(int *read_end, int *write_end);

/*
 * Creates a directory as another user, whom it then belongs to (setfsuid(2)): needs CAP_SETUID and CAP_SETGID, but not
 * CAP_CHOWN. The calling thread is itself again afterwards. Returns 0 or a negative errno.
 */
int clinux_make_directory_as(const char *path, uint32_t mode, uint32_t user, uint32_t group);

/*
 * Opens a file that is there (open(2)) as another user and group would, for this thread alone (setfsuid(2), which takes
 * CAP_SETUID and CAP_SETGID). Answers the descriptor, close-on-exec, or minus errno.
 */
int clinux_open_as(const char *path, int flags, uint32_t user, uint32_t group);

/* O_PATH: opens to look at a file alone. */
extern const int clinux_o_path;

/*
 * The path of a library that this process has loaded, by its place among them, cut to `capacity` bytes with a NUL; an
 * empty one where it has none. Sets *is_loader for the dynamic loader itself. Returns 0, or -ENOENT beyond the last.
 */
int clinux_loaded_library(size_t index, char *path, size_t capacity, int *is_loader);

/* Who is at the other end of a connected local socket (SO_PEERCRED). Returns 0 or a negative errno. */
int clinux_peer_credentials(int socket, int32_t *process, uint32_t *user, uint32_t *group);

/* Reaps one ended child that is not among `known`; returns its process id, 0 where there is none. */
int clinux_reap_stray(const int32_t *known, int count);

#endif

/* muster/ext/process.h — helpers: programs that the host starts for a component, sealed, with a socket to each. */
#ifndef MUSTER_EXT_PROCESS_H
#define MUSTER_EXT_PROCESS_H

#include <muster/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The id of this extension. */
#define MUSTER_EXT_PROCESS "muster.process/1"

/**
 * WHAT A HELPER FINDS
 *   - Descriptor 0 is /dev/null; 1 and 2 go to the log, line by line, as `Component/helper`; 3 is its socket; with
 *     MUSTER_PROCESS_READS_FILES 4 is the root folder, open for reading.
 *   - The socket is of the kind SOCK_SEQPACKET: a message arrives whole, with the descriptors that were sent with it. Up
 *     to 64 KiB fit into one; an empty one cannot be told from the end. Descriptors may be sent both ways.
 *   - Arguments as given, a short and fixed environment, the root as its folder, a session of its own. With
 *     MUSTER_PROCESS_WRITES_STATE, TMPDIR is a folder below the state directory.
 *
 * WHAT IT MAY DO
 *   - Compute, allocate, have threads and children, use what descriptors it has or is sent, and read the shared libraries
 *     and time zones of the system. Beyond that what its declaration asks for.
 *   - Not: execute another program, open a socket other than a connected pair, see or signal another process than its
 *     own children, change its user, mount, or change a file's mode, owner, times or attributes.
 *   - A child is ended through its process descriptor (CLONE_PIDFD of clone(2), pidfd_send_signal(2)), which works
 *     everywhere; kill(2) of a child works from Linux 6.12 on alone.
 *   - With MUSTER_PROCESS_READS_FILES: everything below the root but /proc can be opened by its path. The root itself
 *     cannot, and is listed through descriptor 4.
 *
 * HOW IT ENDS
 *   - By itself, by `end`, or with its component's worker. All processes it has started are ended with it.
 */

/** Names one helper of the component. Never 0, never used again. */
typedef uint64_t muster_process_id;

/** How a helper ended. Frozen values. */
typedef uint32_t muster_process_ending;
/** By itself: `code` is its exit status. */
#define MUSTER_PROCESS_EXITED ((muster_process_ending)1)
/** By a signal: `code` is the signal's number. */
#define MUSTER_PROCESS_SIGNALLED ((muster_process_ending)2)

/**
 * What becomes of a helper: on_started and then on_ended, or on_failed alone, each exactly once. What is under way when
 * the component stops ends before its stop is called.
 */
typedef struct muster_process_handler {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Handed to each function. */
    void *context;
    /**
     * It runs. Required.
     * @param socket the component's end of its socket: non-blocking, close-on-exec, and the plugin's to close.
     * @since 1.0 [control-thread]
     */
    void (*on_started)(void *context, muster_process_id process, int32_t socket);
    /**
     * It could not be started. Required.
     * @param reason a sentence for the operator; lives until the call returns.
     * @since 1.0 [control-thread]
     */
    void (*on_failed)(void *context, muster_process_id process, muster_string reason);
    /**
     * It has ended. What it sent before can still be read from its socket. Required.
     * @since 1.0 [control-thread]
     */
    void (*on_ended)(void *context, muster_process_id process, muster_process_ending ending, int32_t code);
} muster_process_handler;

/** What the host gives for helpers. */
typedef struct muster_process {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Has the host start a helper of the manifest; what comes of it is told to `handler`, which is copied. A draining
     * generation may still start one; each generation has its own.
     * @param name the helper's name in the manifest.
     * @param arguments what follows the program's name on its command line: without NUL, at most 64, and at most 32 KiB
     *                  with a byte for the end of each. May be NULL where `argument_count` is 0.
     * @param process where its number goes, before any function of the handler is called. May be NULL.
     * @param error why it cannot be. May be NULL.
     * @return MUSTER_OK; MUSTER_INVALID for a name that is not declared, arguments beyond the limits, or a handler that
     *         lacks a function; MUSTER_BUSY where 16 helpers of the component run already; MUSTER_WRONG_STATE after stop;
     *         MUSTER_FAILED where the host cannot be asked.
     * @since 1.0 [any-thread]
     */
    muster_status (*start)(void *context, muster_string name, const muster_string *arguments, size_t argument_count,
                           const muster_process_handler *handler, muster_process_id *process, muster_error *error);
    /**
     * Ends a helper: SIGTERM now, and SIGKILL if it is still there after `grace`. on_ended tells when it is gone.
     * @param grace a duration; 0: SIGKILL at once.
     * @return MUSTER_OK; MUSTER_GONE where it has ended or was never started.
     * @since 1.0 [any-thread]
     */
    muster_status (*end)(void *context, muster_process_id process, uint64_t grace);
} muster_process;

#define MUSTER_PROCESS_HANDLER_SIZE_1_0 40
#define MUSTER_PROCESS_SIZE_1_0 32

#ifdef __cplusplus
}
#endif

#endif

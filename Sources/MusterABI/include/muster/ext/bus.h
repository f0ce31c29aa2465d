/*
 * muster/ext/bus.h — messages and calls between the components of one host.
 *
 * A component publishes under topics and subscribes to them; it serves services and calls them. Which ones, its manifest
 * declares (muster_bus_spec); the operator may take some away. Payloads are bytes, JSON by convention, of at most
 * MUSTER_BUS_PAYLOAD_LIMIT. Everything goes through the host, which says who the other side is.
 *
 * Delivery is at most once and nothing is kept for later, with one exception: a call to a component that is configured
 * and not active just now (it is restarted, or a reload hands over) waits until it is, or until the call's deadline.
 * Queues are bounded. A message that finds one full is dropped and counted; a call is refused.
 *
 * Messages and calls come to the active generation alone, between its activate and its quiesce. After quiesce a component
 * may still publish, call, and reply to the calls it was given.
 */
#ifndef MUSTER_EXT_BUS_H
#define MUSTER_EXT_BUS_H

#include <muster/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The id of this extension. */
#define MUSTER_EXT_BUS "muster.bus/1"

/** The bytes of a payload: 256 KiB. A larger one is MUSTER_INVALID. */
#define MUSTER_BUS_PAYLOAD_LIMIT ((uint32_t)262144)
/** The longest timeout of a call, nanoseconds: an hour. */
#define MUSTER_BUS_TIMEOUT_LIMIT ((uint64_t)3600000000000)

/** Names a call, one that was made or one that was given. Never 0, never used again. */
typedef uint64_t muster_bus_call;

/** A message as a subscriber gets it. Lives until on_message returns. */
typedef struct muster_bus_message {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    muster_string topic;
    /** The component that published it, as the host knows it: `CommAgent`. */
    muster_string sender;
    muster_bytes payload;
} muster_bus_message;

/** Who gets the messages of a topic. */
typedef struct muster_bus_subscriber {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Handed to on_message. */
    void *context;
    /**
     * A message of another component. Return soon: ten seconds end the worker.
     * @since 1.0 [control-thread]
     */
    void (*on_message)(void *context, const muster_bus_message *message);
} muster_bus_subscriber;

/** A call as a service gets it. Lives until on_call returns. */
typedef struct muster_bus_request {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** What to reply to. */
    muster_bus_call call;
    /** When the caller stops waiting (CLOCK_MONOTONIC, ns); a reply after it goes nowhere. */
    uint64_t deadline;
    muster_string service;
    muster_string method;
    /** The component that calls, as the host knows it: `SweepHandler`. */
    muster_string caller;
    muster_bytes payload;
} muster_bus_request;

/** Who gets the calls of a service. */
typedef struct muster_bus_server {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Handed to on_call. */
    void *context;
    /**
     * A call. Reply now or later, from any thread. Return soon: ten seconds end the worker.
     * @since 1.0 [control-thread]
     */
    void (*on_call)(void *context, const muster_bus_request *request);
} muster_bus_server;

/** How a call ended. Frozen values; a newer host may add more, so treat an unknown one as MUSTER_BUS_LOST. */
typedef uint32_t muster_bus_outcome;
/** The service replied with MUSTER_OK. */
#define MUSTER_BUS_ANSWERED ((muster_bus_outcome)1)
/** The service replied with another status. */
#define MUSTER_BUS_FAILED ((muster_bus_outcome)2)
/** The host did not hand the call over: a queue is full (MUSTER_BUSY) or it is not allowed (MUSTER_UNSUPPORTED). */
#define MUSTER_BUS_REFUSED ((muster_bus_outcome)3)
/** Nobody serves it: no component does, or it will not run before a reload, or the host stops. It was not handed over. */
#define MUSTER_BUS_UNREACHABLE ((muster_bus_outcome)4)
/** The deadline passed. Whether the service has done it is not known. */
#define MUSTER_BUS_TIMED_OUT ((muster_bus_outcome)5)
/** The service's worker ended with the call in its hands. Whether it has done it is not known. */
#define MUSTER_BUS_LOST ((muster_bus_outcome)6)
/** Cancelled, by cancel or because the caller stops. Whether the service has done it is not known. */
#define MUSTER_BUS_CANCELLED ((muster_bus_outcome)7)

/** What came of a call. Lives until on_reply returns. */
typedef struct muster_bus_answer {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    muster_bus_outcome outcome;
    /**
     * MUSTER_OK where it was answered; where it failed, the service's status; otherwise the host's: MUSTER_BUSY,
     * MUSTER_UNSUPPORTED or MUSTER_GONE.
     */
    muster_status status;
    /** Why there is no answer, a sentence for a person; empty where there is one. */
    muster_string reason;
    /** What the service replied, with whatever status. */
    muster_bytes payload;
} muster_bus_answer;

/** What is called, and who is told what came of it. */
typedef struct muster_bus_call_options {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Handed to on_reply. */
    void *context;
    /**
     * What came of the call: exactly once for each call that was made, before stop is called at the latest. Required.
     * @since 1.0 [control-thread]
     */
    void (*on_reply)(void *context, muster_bus_call call, const muster_bus_answer *answer);
    muster_string service;
    /** One line of 1 to 256 bytes. */
    muster_string method;
    muster_bytes payload;
    /** A duration: from 1 ns to MUSTER_BUS_TIMEOUT_LIMIT. */
    uint64_t timeout;
} muster_bus_call_options;

/** What the host gives for the bus. */
typedef struct muster_bus {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Publishes a message to every other component that subscribes to the topic; `payload` is copied. Nobody may be
     * listening: that is no error.
     * @param error why not. May be NULL.
     * @return MUSTER_OK; MUSTER_INVALID for a topic that the manifest does not say it publishes, or a payload that is too
     *         large; MUSTER_UNSUPPORTED where the operator has taken the topic away; MUSTER_BUSY where there is no room or
     *         too much was published in the last second: the message is dropped and counted; MUSTER_WRONG_STATE before
     *         activate and after stop.
     * @since 1.0 [any-thread]
     */
    muster_status (*publish)(void *context, muster_string topic, muster_bytes payload, muster_error *error);
    /**
     * Takes the messages of a topic. Only during prepare, once for each topic. `subscriber` is copied. MUSTER_OK also
     * where the operator has taken the topic away: then no message comes, until a reload allows it.
     * @param error why not. May be NULL.
     * @return MUSTER_OK; MUSTER_INVALID for a topic that the manifest does not say it subscribes to, or a NULL
     *         on_message; MUSTER_WRONG_STATE outside prepare, on another thread, or a second time.
     * @since 1.0 [control-thread]
     */
    muster_status (*subscribe)(void *context, muster_string topic, const muster_bus_subscriber *subscriber,
                               muster_error *error);
    /**
     * Takes the calls of a service. Only during prepare, once for each service. `server` is copied. MUSTER_OK also where
     * the operator has taken the service away: then no call comes, until a reload allows it.
     * @param error why not. May be NULL.
     * @return MUSTER_OK; MUSTER_INVALID for a service that the manifest does not say it serves, or a NULL on_call;
     *         MUSTER_WRONG_STATE outside prepare, on another thread, or a second time.
     * @since 1.0 [control-thread]
     */
    muster_status (*serve)(void *context, muster_string service, const muster_bus_server *server, muster_error *error);
    /**
     * Calls a service; `options` is copied with all it names. Where the answer is not MUSTER_OK, on_reply is not called.
     * @param call where the call's number goes, before on_reply is called; may be NULL.
     * @param error why not. May be NULL.
     * @return MUSTER_OK; MUSTER_INVALID for a service that the manifest does not say it calls, a NULL on_reply, a method,
     *         payload or timeout that is not allowed; MUSTER_UNSUPPORTED where the operator has taken the service away;
     *         MUSTER_BUSY beyond 1,024 calls under way, or where there is no room; MUSTER_WRONG_STATE before activate and
     *         after stop.
     * @since 1.0 [any-thread]
     */
    muster_status (*call)(void *context, const muster_bus_call_options *options, muster_bus_call *call,
                          muster_error *error);
    /**
     * Gives a call up: on_reply is called soon with MUSTER_BUS_CANCELLED.
     * @return MUSTER_OK, or MUSTER_GONE where it has ended, or its end is on the way.
     * @since 1.0 [any-thread]
     */
    muster_status (*cancel)(void *context, muster_bus_call call);
    /**
     * Replies to a call that on_call was given, once; `payload` and `reason` are copied.
     * @param status MUSTER_OK, or why not: it is handed to the caller as it is.
     * @param payload what the caller gets, with whatever status.
     * @param reason a sentence where `status` is not MUSTER_OK; cut at 1,023 bytes. May be empty.
     * @return MUSTER_OK; MUSTER_GONE where the call has ended: replied to before, or its deadline has passed;
     *         MUSTER_INVALID for a payload that is too large: reply otherwise; MUSTER_BUSY where there is no room: try
     *         again; MUSTER_WRONG_STATE after stop.
     * @since 1.0 [any-thread]
     */
    muster_status (*reply)(void *context, muster_bus_call call, muster_status status, muster_bytes payload,
                           muster_string reason);
} muster_bus;

#define MUSTER_BUS_MESSAGE_SIZE_1_0 56
#define MUSTER_BUS_SUBSCRIBER_SIZE_1_0 24
#define MUSTER_BUS_REQUEST_SIZE_1_0 88
#define MUSTER_BUS_SERVER_SIZE_1_0 24
#define MUSTER_BUS_ANSWER_SIZE_1_0 48
#define MUSTER_BUS_CALL_OPTIONS_SIZE_1_0 80
#define MUSTER_BUS_SIZE_1_0 64

#ifdef __cplusplus
}
#endif

#endif

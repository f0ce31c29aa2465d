/*
 * muster/ext/http-server.h — answering HTTP on a listener.
 *
 * The host parses, checks, times and limits; the plugin gets whole request heads and pieces of body, and answers. A
 * request and its answer are an exchange, named by a number. The number stays harmless when the exchange is over: every
 * call with it then answers MUSTER_GONE, so a plugin that answers twice, late, or after its client has left does no harm.
 */
#ifndef MUSTER_EXT_HTTP_SERVER_H
#define MUSTER_EXT_HTTP_SERVER_H

#include <muster/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The id of this extension. */
#define MUSTER_EXT_HTTP_SERVER "muster.http-server/1"

/** Names one exchange within the worker. Never 0, never used again. */
typedef uint64_t muster_exchange;

/** Who the peer proved to be with a client certificate, verified against the fleet authority. */
typedef struct muster_tls_identity {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** The certificate's subject, RFC 2253: `CN=ws-17,O=Example`. */
    muster_string subject;
    /** The SAN URIs, which carry the roles: `muster:client`. */
    const muster_string *uris;
    size_t uri_count;
} muster_tls_identity;

/** A request's head. It and all it points to live until on_request returns. */
typedef struct muster_http_request {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /** As sent, in upper case: `GET`. A HEAD request is answered like GET; the host keeps the body back. */
    muster_string method;
    /** The request target in origin form, `/path?query`, or `*`; an absolute-form target has lost scheme and host. */
    muster_string target;
    /** The Host header's value (or the absolute target's host); empty for an HTTP/1.0 request without one. */
    muster_string authority;
    /** 10 or 11: HTTP/1.0 or HTTP/1.1. */
    uint32_t version;
    /** 1 where a body follows: on_body and on_body_end will be called. */
    uint32_t has_body;
    /** All header fields, in the order sent. */
    const muster_header *headers;
    size_t header_count;
    /** The peer's address and port: `192.0.2.7:40112`, `[2001:db8::7]:40112`. */
    muster_string peer;
    /** Who the peer proved to be; NULL without a verified client certificate. */
    const muster_tls_identity *identity;
    /**
     * The value of the first field called `name` (any case); data NULL where there is none.
     * @param request this structure.
     * @since 1.0 [loop-thread: must not block]
     */
    muster_string (*find_header)(const struct muster_http_request *request, muster_string name);
} muster_http_request;

/** Why an exchange ended before its answer was sent whole. Frozen values. */
typedef uint32_t muster_abort_reason;
/** The client closed or reset the connection. */
#define MUSTER_ABORT_CLIENT_GONE ((muster_abort_reason)1)
/** A time limit passed: the client stalled, or the plugin never answered (the host then sent 503). */
#define MUSTER_ABORT_TIMEOUT ((muster_abort_reason)2)
/** The client's message broke the protocol or a limit in the middle of its body; the host answered it. */
#define MUSTER_ABORT_BAD_REQUEST ((muster_abort_reason)3)
/** The drain deadline passed. */
#define MUSTER_ABORT_SHUTDOWN ((muster_abort_reason)4)

/**
 * What the plugin gives for a listener. All calls for one exchange come from one loop, in this order: on_request, then
 * on_body for each piece and on_body_end where has_body is 1. on_abort comes at most once, at any time after
 * on_request, and ends the exchange. Nothing is called for an exchange once it was answered in full.
 */
typedef struct muster_http_handler {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * A request has come. Answer at once with respond, or keep the number and answer later from any thread. Required.
     * @param exchange names the exchange from now on.
     * @param request the head; valid until this call returns.
     * @since 1.0 [loop-thread: must not block]
     */
    void (*on_request)(void *context, muster_exchange exchange, const muster_http_request *request);
    /**
     * A piece of the body, valid until this call returns. NULL: bodies are read and thrown away.
     * @since 1.0 [loop-thread: must not block]
     */
    void (*on_body)(void *context, muster_exchange exchange, muster_bytes piece);
    /**
     * The body is complete. May be NULL.
     * @since 1.0 [loop-thread: must not block]
     */
    void (*on_body_end)(void *context, muster_exchange exchange);
    /**
     * The exchange is over though it was not answered in full; its number answers MUSTER_GONE from here on. May be NULL.
     * @since 1.0 [loop-thread: must not block]
     */
    void (*on_abort)(void *context, muster_exchange exchange, muster_abort_reason reason);
    /**
     * After a write answered MUSTER_BUSY: there is room again. May be NULL for a plugin that never streams.
     * @since 1.0 [loop-thread: must not block]
     */
    void (*on_writable)(void *context, muster_exchange exchange);
} muster_http_handler;

/** Limits of one listener; a 0 leaves the host's default, which the operator may change. */
typedef struct muster_http_limits {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Bytes of a request's line and of all its header fields: 431 beyond it, 414 for the line. Default 16 KiB. */
    uint32_t head_bytes;
    /** Header fields in one request: 431 beyond it. Default 100. */
    uint32_t header_count;
    /** Bytes of a request's body: 413 beyond it. Default 1 MiB. */
    uint64_t body_bytes;
    /** A duration: how long a connection may be idle between requests. Default 60 s. */
    uint64_t idle_timeout;
    /** A duration: how long a request's head may take to arrive: 408. Default 10 s. */
    uint64_t head_timeout;
    /** A duration: how long a body or an answer may make no progress at all. Default 30 s. */
    uint64_t stall_timeout;
    /** A duration: how long the plugin may take to begin its answer: 503. Default 60 s. */
    uint64_t answer_timeout;
} muster_http_limits;

/**
 * A part of an open file to send. The descriptor stays the plugin's and must stay open and its bytes unchanged until
 * `release` is called, once, from any thread, whatever became of the exchange.
 */
typedef struct muster_file {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Handed to release. */
    void *context;
    /**
     * The host is done with the descriptor. NULL: the descriptor outlives the component's stop.
     * @since 1.0 [any-thread]
     */
    void (*release)(void *context);
    int32_t descriptor;
    uint32_t reserved;
    uint64_t offset;
    uint64_t length;
} muster_file;

/**
 * What the host gives to serve HTTP.
 *
 * The host writes Date, Connection, Content-Length (for respond, respond_file, and begin with a length) or
 * Transfer-Encoding itself; a field of these names from the plugin is refused with MUSTER_INVALID, as is a name or value
 * with bytes RFC 9110 does not allow. What a failed call was given is not used.
 */
typedef struct muster_http_server {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Serves a listener whose transport is http or https. It is bound now and accepts after activate. Only during
     * prepare, once for each listener.
     * @param listener the listener's name in the manifest.
     * @param handler the plugin's callbacks; live until destroy returns.
     * @param limits the limits, or NULL for the defaults.
     * @param error why it failed: the port is taken, or lacks privilege. May be NULL.
     * @return MUSTER_OK; MUSTER_INVALID for an unknown name; MUSTER_WRONG_STATE outside prepare or a second time;
     *         MUSTER_FAILED where it could not be bound.
     * @since 1.0 [control-thread]
     */
    muster_status (*serve)(void *context, muster_string listener, const muster_http_handler *handler,
                           const muster_http_limits *limits, muster_error *error);
    /**
     * Answers in one call and ends the exchange. Everything is copied before it returns. A body is kept back for HEAD,
     * 204 and 304, while Content-Length still tells its size for HEAD and 304.
     * @param status 200 to 599.
     * @param headers may be NULL when `header_count` is 0.
     * @return MUSTER_OK; MUSTER_GONE where the exchange is over; MUSTER_WRONG_STATE after begin; MUSTER_INVALID for a
     *         status or field that is not allowed.
     * @since 1.0 [any-thread]
     */
    muster_status (*respond)(void *context, muster_exchange exchange, uint32_t status, const muster_header *headers,
                             size_t header_count, muster_bytes body);
    /**
     * Answers with a part of a file, sent by the kernel without a copy where the transport allows, and ends the
     * exchange. Whatever it returns, `file->release` is called once; on a failure before it returns.
     * @since 1.0 [any-thread]
     */
    muster_status (*respond_file)(void *context, muster_exchange exchange, uint32_t status, const muster_header *headers,
                                  size_t header_count, const muster_file *file);
    /**
     * Begins a streamed answer; then write any number of times, and end.
     * @param length the bytes that will follow, or UINT64_MAX where it is not known: chunked for HTTP/1.1, until close
     *               for 1.0.
     * @since 1.0 [any-thread]
     */
    muster_status (*begin)(void *context, muster_exchange exchange, uint32_t status, const muster_header *headers,
                           size_t header_count, uint64_t length);
    /**
     * Sends a piece of a streamed answer; the bytes are copied.
     * @return MUSTER_OK; MUSTER_BUSY: nothing was taken, wait for on_writable; MUSTER_GONE; MUSTER_WRONG_STATE before
     *         begin; MUSTER_INVALID beyond the length that begin promised.
     * @since 1.0 [any-thread]
     */
    muster_status (*write)(void *context, muster_exchange exchange, muster_bytes bytes);
    /**
     * Ends a streamed answer and the exchange. Short of the promised length, the connection is closed, so that the
     * client sees it was cut.
     * @since 1.0 [any-thread]
     */
    muster_status (*end)(void *context, muster_exchange exchange);
    /**
     * Breaks the exchange off: the connection is closed without a proper end. on_abort is not called.
     * @since 1.0 [any-thread]
     */
    muster_status (*abort)(void *context, muster_exchange exchange);
    /**
     * Stops on_body until resume_body, and with it the client, by back-pressure. The stall limit rests meanwhile.
     * @since 1.0 [any-thread]
     */
    muster_status (*pause_body)(void *context, muster_exchange exchange);
    /**
     * Lets on_body come again.
     * @since 1.0 [any-thread]
     */
    muster_status (*resume_body)(void *context, muster_exchange exchange);
} muster_http_server;

#define MUSTER_TLS_IDENTITY_SIZE_1_0 40
#define MUSTER_HTTP_REQUEST_SIZE_1_0 120
#define MUSTER_HTTP_HANDLER_SIZE_1_0 56
#define MUSTER_HTTP_LIMITS_SIZE_1_0 56
#define MUSTER_FILE_SIZE_1_0 48
#define MUSTER_HTTP_SERVER_SIZE_1_0 88

#ifdef __cplusplus
}
#endif

#endif

/*
 * muster/ext/http-client.h — fetching over HTTP.
 *
 * The host connects, proves who the server is, sends, times and limits; the plugin gets the answer's head and pieces of
 * body, or has the body written to a file. A request and its answer are a transfer, named by a number. The number stays
 * harmless when the transfer has ended: every call with it then answers MUSTER_GONE.
 *
 * PEERS: a request over https names in `expected_peer` whom it must reach, and is refused without it. That the server's
 * certificate comes from the right authority proves that it belongs to the fleet, or to somebody on the internet; only
 * the name in it proves which one it is. The certificate's subject alternative names are looked at, its common name never;
 * the host in the URL says where to connect and proves nothing. Nothing of a request is sent before the check has passed,
 * on a new connection or on one that was kept open.
 *
 * CALLBACKS of all transfers come from one thread of the host's own, one at a time, those of one transfer in the order
 * on_head, on_body for each piece, on_end. on_end comes exactly once for each transfer that was started, none after stop
 * has been called. The thread is not an event loop of the server's: a callback that blocks stalls the transfers of this
 * component and nothing else.
 */
#ifndef MUSTER_EXT_HTTP_CLIENT_H
#define MUSTER_EXT_HTTP_CLIENT_H

#include <muster/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The id of this extension. */
#define MUSTER_EXT_HTTP_CLIENT "muster.http-client/1"

/** Names one transfer of the component. Never 0, never used again. */
typedef uint64_t muster_http_transfer;

/** The body of the request is read from `body_descriptor`, not from `body`. */
#define MUSTER_HTTP_BODY_FROM_DESCRIPTOR ((uint32_t)1)
/** The body of the answer is written to `destination_descriptor`. */
#define MUSTER_HTTP_BODY_TO_DESCRIPTOR ((uint32_t)2)

/** What is to be fetched, from whom, and within which limits. A member that is 0 or empty leaves the default. */
typedef struct muster_http_client_request {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** `GET`, in upper case; empty: GET. */
    muster_string method;
    /**
     * `https://` or `http://`, a host (a name in ASCII or an address), perhaps a port, path and query. Without a user
     * and password: those belong in a header field.
     */
    muster_string url;
    /**
     * Header fields. Those that frame the message or steer the connection (Host, Content-Length, Transfer-Encoding,
     * Connection, Expect and their kind) are the host's, and so are Range and If-Range where `resume_offset` is set.
     * Conditions (If-None-Match, If-Modified-Since) are fields like others, and 304 is an answer like others.
     */
    const muster_header *headers;
    size_t header_count;
    /** The request's body, at most 16 MiB; it is copied. */
    muster_bytes body;
    /** MUSTER_HTTP_… joined by |. */
    uint32_t flags;
    /** A file to read the body from, with pread(2). It is duplicated: the caller may close it when start has returned. */
    int32_t body_descriptor;
    /** Where in the file the body begins, and its bytes. */
    uint64_t body_offset;
    uint64_t body_length;
    /**
     * A file to write the body of an answer of 200 or 206 to, with pwrite(2), from `destination_offset` on. It is
     * duplicated. The body of any other answer comes to on_body.
     */
    int32_t destination_descriptor;
    /**
     * How many redirects are followed; 0: none, and a 3xx is an answer like others. GET and HEAD follow 301, 302, 303,
     * 307 and 308; other methods follow only 303, with GET. https never leads to http. To another scheme, host or port
     * go neither the client certificate, nor header fields other than Accept…, If-…, Cache-Control, Range and User-Agent;
     * the new host must prove to be the one that its own URL names, which is allowed where `expected_peer` was the host
     * of the first URL, and refused otherwise.
     */
    uint32_t redirect_limit;
    uint64_t destination_offset;
    /**
     * Whom an https request must reach: a URI, `muster:server` or `muster:client/<uuid>`, that is among the SAN URIs of
     * the server's certificate byte for byte; or a host name in ASCII; or an IP address. Required for https, and not
     * allowed for http, where nothing could be checked.
     */
    muster_string expected_peer;
    /** PEM: the certificate to show, then those between it and its authority; empty: none. Only with https. */
    muster_bytes client_certificate;
    /** PEM, unencrypted: its private key. Read before start returns, and no copy of the text is kept. */
    muster_bytes client_private_key;
    /** PEM: the authorities that alone vouch for the server; empty: those the system trusts. */
    muster_bytes authority;
    /** `http://host:port`, perhaps with `user:password@`; empty: none. The environment is never looked at. */
    muster_string proxy;
    /** A duration: until the connection stands, TLS and name resolution included. Default 10 s, at most 5 min. */
    uint64_t connect_timeout;
    /** A duration: how long no byte at all may move once it stands; rests while paused. Default 30 s. */
    uint64_t stall_timeout;
    /** A duration: from start to on_end, waiting included; 0: no bound. */
    uint64_t total_timeout;
    /** Bytes of the answer's body; 0: no bound. */
    uint64_t body_limit;
    /** Asks for the content from this byte on; 0: from its beginning. Only with GET. */
    uint64_t resume_offset;
    /**
     * What the part that is there already was marked with: its strong ETag, quotes included, or its Last-Modified. It is
     * sent as If-Range, so that a content that has changed is not patched together; empty: the caller compares the
     * whole in another way.
     */
    muster_string resume_validator;
    /** Bytes a second, each way, at least 1 KiB; 0: no bound. */
    uint64_t bandwidth_limit;
} muster_http_client_request;

/** An answer's head. It and all it points to live until on_head returns. */
typedef struct muster_http_client_answer {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Handed to find_header. */
    void *context;
    /** 200 to 599. */
    uint32_t status;
    /** How many redirects led here. */
    uint32_t redirect_count;
    /** All header fields, in the order sent. */
    const muster_header *headers;
    size_t header_count;
    /** The URL that was answered: after redirects not the one that was asked for. */
    muster_string url;
    /** The bytes of body to come, where Content-Length says so; otherwise UINT64_MAX. */
    uint64_t content_length;
    /**
     * The value of the first field called `name` (any case); data NULL where there is none.
     * @param context the answer's.
     * @since 1.0 [loop-thread: must not block]
     */
    muster_string (*find_header)(void *context, muster_string name);
} muster_http_client_answer;

/** How a transfer ended. Frozen values; a newer host may add more, so treat an unknown one as MUSTER_HTTP_FAILED. */
typedef uint32_t muster_http_client_code;
/** The answer came whole, of whatever status. */
#define MUSTER_HTTP_DONE ((muster_http_client_code)0)
/** For a reason that none of the others names. */
#define MUSTER_HTTP_FAILED ((muster_http_client_code)1)
/** It was cancelled, or the component stops. */
#define MUSTER_HTTP_CANCELLED ((muster_http_client_code)2)
/** The host's name has no address. */
#define MUSTER_HTTP_UNRESOLVED ((muster_http_client_code)3)
/** No connection: refused, unreachable. */
#define MUSTER_HTTP_NOT_CONNECTED ((muster_http_client_code)4)
/** The connection did not stand in time. */
#define MUSTER_HTTP_CONNECT_TIMEOUT ((muster_http_client_code)5)
/** The proxy cannot be reached, or does not lead on. */
#define MUSTER_HTTP_PROXY_FAILED ((muster_http_client_code)6)
/**
 * The TLS handshake failed: a certificate that the authority does not vouch for, no common version, a refusal. With TLS
 * 1.3 a server refuses a client's certificate after the handshake; where it closes in haste, its reason is lost and the
 * code is MUSTER_HTTP_CONNECTION_LOST.
 */
#define MUSTER_HTTP_TLS_FAILED ((muster_http_client_code)7)
/** The server proved to be somebody else than expected_peer. */
#define MUSTER_HTTP_WRONG_PEER ((muster_http_client_code)8)
/** No byte moved for as long as stall_timeout. */
#define MUSTER_HTTP_STALLED ((muster_http_client_code)9)
/** total_timeout passed. */
#define MUSTER_HTTP_TOTAL_TIMEOUT ((muster_http_client_code)10)
/** The connection ended before the answer was whole. */
#define MUSTER_HTTP_CONNECTION_LOST ((muster_http_client_code)11)
/** The server does not speak HTTP/1.1, or breaks its rules. */
#define MUSTER_HTTP_PROTOCOL ((muster_http_client_code)12)
/** The body is larger than body_limit. */
#define MUSTER_HTTP_TOO_LARGE ((muster_http_client_code)13)
/** A descriptor could not be read or written: system_error says why (ENOSPC: the disk is full). */
#define MUSTER_HTTP_FILE_FAILED ((muster_http_client_code)14)
/** A redirect that must not be followed: too many, to http, to a host that cannot be checked. */
#define MUSTER_HTTP_REDIRECT_REFUSED ((muster_http_client_code)15)
/** The server answered 200 with the whole where the rest was asked for: start over, with resume_offset 0. */
#define MUSTER_HTTP_NOT_RESUMED ((muster_http_client_code)16)

/** What a transfer came to. It and all it points to live until on_end returns. */
typedef struct muster_http_client_result {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    muster_http_client_code code;
    /** The answer's status where its head came, otherwise 0. */
    uint32_t status;
    /** 1 where the same request may well succeed later: the network failed, or the status says so (429, 503). */
    uint32_t worth_retrying;
    /** An errno for MUSTER_HTTP_FILE_FAILED and, where it is known, MUSTER_HTTP_NOT_CONNECTED; otherwise 0. */
    int32_t system_error;
    /** What happened, where, and what to do about it: a sentence for a person; empty for MUSTER_HTTP_DONE. */
    muster_string reason;
    /** Bytes of the answer's body that were received and handed on. */
    uint64_t received_bytes;
    /** A duration: what Retry-After asks for; 0: nothing. */
    uint64_t retry_after;
    /** The answer's Date: seconds since 1970; 0: none. */
    int64_t date;
} muster_http_client_result;

/** Whom a transfer calls. */
typedef struct muster_http_client_handler {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /** Handed to each; must live until on_end has returned. */
    void *context;
    /**
     * The answer's head has come: the final one, after redirects and interim answers. May be NULL.
     * @since 1.0 [loop-thread: must not block]
     */
    void (*on_head)(void *context, muster_http_transfer transfer, const muster_http_client_answer *answer);
    /**
     * A piece of the body, valid until this call returns. NULL: the body is read and thrown away.
     * @since 1.0 [loop-thread: must not block]
     */
    void (*on_body)(void *context, muster_http_transfer transfer, muster_bytes piece);
    /**
     * The transfer has ended; nothing follows, and its number answers MUSTER_GONE. Required.
     * @since 1.0 [loop-thread: must not block]
     */
    void (*on_end)(void *context, muster_http_transfer transfer, const muster_http_client_result *result);
} muster_http_client_handler;

/**
 * What the host gives to fetch. It loads libcurl when it is first asked for; a host without it answers NULL for this
 * extension.
 *
 * At most 64 transfers of a component run at a time, paused ones included, and 1,024 more wait for their turn. They may be
 * started from create on and go on after release; stop cancels what is left before it is called.
 *
 * A request whose kept connection turns out to be closed is sent again on a new one, but not where the server may have
 * acted on it and acting twice is no less: such a method (POST, PATCH, one the host does not know) ends with
 * MUSTER_HTTP_CONNECTION_LOST.
 */
typedef struct muster_http_client {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *context;
    /**
     * Starts a transfer. All that `request` and `handler` hold is copied, but for what the context names.
     * @param handler its on_end is called if and only if this answers MUSTER_OK, perhaps before it has returned.
     * @param transfer where its number goes, before anything is called; may be NULL.
     * @param error what is wrong with the request. May be NULL.
     * @return MUSTER_OK; MUSTER_INVALID for a request that is not allowed; MUSTER_BUSY where 1,024 wait already;
     *         MUSTER_WRONG_STATE after stop; MUSTER_FAILED where the system lacks something.
     * @since 1.0 [any-thread]
     */
    muster_status (*start)(void *context, const muster_http_client_request *request,
                           const muster_http_client_handler *handler, muster_http_transfer *transfer,
                           muster_error *error);
    /**
     * Cancels a transfer: on_end follows soon, with MUSTER_HTTP_CANCELLED unless it ended by itself just now. From within
     * a callback, no on_body comes before it; from elsewhere one call may be under way.
     * @return MUSTER_OK, or MUSTER_GONE where it has ended.
     * @since 1.0 [any-thread]
     */
    muster_status (*cancel)(void *context, muster_http_transfer transfer);
    /**
     * Stops the body until resume_body, and with it the server, by back-pressure. From within a callback, no on_body
     * comes after it; from elsewhere one call may be under way. The stall limit rests meanwhile.
     * @return MUSTER_OK, or MUSTER_GONE where it has ended.
     * @since 1.0 [any-thread]
     */
    muster_status (*pause_body)(void *context, muster_http_transfer transfer);
    /**
     * Lets the body come again.
     * @return MUSTER_OK, or MUSTER_GONE where it has ended.
     * @since 1.0 [any-thread]
     */
    muster_status (*resume_body)(void *context, muster_http_transfer transfer);
} muster_http_client;

#define MUSTER_HTTP_CLIENT_REQUEST_SIZE_1_0 256
#define MUSTER_HTTP_CLIENT_ANSWER_SIZE_1_0 72
#define MUSTER_HTTP_CLIENT_RESULT_SIZE_1_0 64
#define MUSTER_HTTP_CLIENT_HANDLER_SIZE_1_0 40
#define MUSTER_HTTP_CLIENT_SIZE_1_0 48

#ifdef __cplusplus
}
#endif

#endif

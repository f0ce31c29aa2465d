/*
 * CCurl — libcurl for Swift, loaded when it is first wanted.
 *
 * The host does not link libcurl: it brings some thirty libraries, which a worker that fetches nothing shall not carry.
 * ccurl_load opens it; every other function may be called only after that has succeeded. They are libcurl's own under
 * their own rules, with the variadic ones as typed functions; each thread may use a handle that no other uses.
 */
#ifndef CCURL_H
#define CCURL_H

#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

/* What is loaded: its file name, which names the Debian package but for the revision. */
#define CCURL_LIBRARY "libcurl.so.4"

/*
 * Loads and initialises libcurl, once in the process and for good; may block for some milliseconds. NULL when it can be
 * used, otherwise the reason, the same each time. From any thread.
 */
const char *ccurl_load(void);

/* libcurl's own words of itself: `libcurl/7.88.1 OpenSSL/3.0.19 …`. */
const char *ccurl_version(void);

/* -- one transfer */

/* What libcurl calls; the last argument is the context. */
typedef struct ccurl_callbacks {
    size_t (*write)(char *bytes, size_t size, size_t count, void *context);
    size_t (*header)(char *bytes, size_t size, size_t count, void *context);
    size_t (*read)(char *bytes, size_t size, size_t count, void *context);
    /* CURL_SEEKFUNC_… */
    int (*seek)(void *context, curl_off_t offset, int origin);
    /* CURL_PREREQFUNC_…: before the request is sent, on every connection, new or kept. */
    int (*before_request)(void *context, char *peer, char *local, int peer_port, int local_port);
    /* A new connection is to speak TLS with this SSL_CTX. */
    CURLcode (*set_up_tls)(CURL *transfer, void *ssl_context, void *context);
} ccurl_callbacks;

CURL *ccurl_make(void);
void ccurl_free(CURL *transfer);
/* Forgets every option; kept connections stay. */
void ccurl_reset(CURL *transfer);
CURLcode ccurl_set_number(CURL *transfer, CURLoption option, long value);
CURLcode ccurl_set_size(CURL *transfer, CURLoption option, int64_t value);
/* libcurl copies the text. */
CURLcode ccurl_set_text(CURL *transfer, CURLoption option, const char *text);
/* The pointer must stay good as long as the option is set. */
CURLcode ccurl_set_pointer(CURL *transfer, CURLoption option, void *pointer);
/* All of `callbacks`, and sockets that do not outlive an exec. */
CURLcode ccurl_set_callbacks(CURL *transfer, const ccurl_callbacks *callbacks, void *context);
long ccurl_number(CURL *transfer, CURLINFO information);
/* The SSL of the connection in use; NULL where there is none. */
void *ccurl_tls(CURL *transfer);
CURLcode ccurl_pause(CURL *transfer, int bitmask);
const char *ccurl_error_text(CURLcode code);

/* -- many transfers */

CURLM *ccurl_multi_make(void);
void ccurl_multi_free(CURLM *multi);
CURLMcode ccurl_multi_set_number(CURLM *multi, CURLMoption option, long value);
CURLMcode ccurl_multi_add(CURLM *multi, CURL *transfer);
CURLMcode ccurl_multi_remove(CURLM *multi, CURL *transfer);
/* Moves every transfer on as far as it goes without waiting. */
CURLMcode ccurl_multi_perform(CURLM *multi);
/* Waits until something can be done, `milliseconds` have passed, or ccurl_multi_wake was called since the last time. */
CURLMcode ccurl_multi_wait(CURLM *multi, int milliseconds);
/* From any thread. */
void ccurl_multi_wake(CURLM *multi);
/* The next transfer that has ended, and how; NULL: none. */
CURL *ccurl_multi_ended(CURLM *multi, CURLcode *code);
const char *ccurl_multi_error_text(CURLMcode code);

/* A store of TLS sessions for the transfers of one thread (CURLOPT_SHARE), or NULL. Freed after the last of them. */
CURLSH *ccurl_share_sessions(void);
void ccurl_share_free(CURLSH *share);

/* -- lists of header lines */

/* A longer list, or NULL, after which the old one is still there. The line is copied. */
struct curl_slist *ccurl_append(struct curl_slist *list, const char *line);
void ccurl_free_list(struct curl_slist *list);

/* -- URLs (RFC 3986 as far as http goes) */

CURLU *ccurl_url_make(void);
void ccurl_url_free(CURLU *url);
/* A relative text for CURLUPART_URL is resolved against what the URL is so far. */
CURLUcode ccurl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned int flags);
/* *text is to be freed with ccurl_free_text. */
CURLUcode ccurl_url_get(CURLU *url, CURLUPart part, char **text, unsigned int flags);
void ccurl_free_text(char *text);
const char *ccurl_url_error_text(CURLUcode code);

/* A date as HTTP writes it, in any of its forms, in seconds since 1970; -1: it is none. */
int64_t ccurl_date(const char *text);

#endif

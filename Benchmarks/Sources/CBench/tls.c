#define _GNU_SOURCE
#include "cbench_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_SECONDS = 10, REASON = 256 };

/* The session of the last connection, handed over by OpenSSL when its ticket has come. */
typedef struct {
    SSL_CTX *context;
    SSL_SESSION *session;
} client;

static int fail(char reason[REASON], const char *doing) {
    unsigned long code = ERR_get_error();
    const char *why = code != 0 ? ERR_reason_error_string(code) : strerror(errno);
    snprintf(reason, REASON, "%s: %s", doing, why != NULL ? why : "no reason given");
    return -1;
}

static int keep_session(SSL *connection, SSL_SESSION *session) {
    client *own = SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection));
    SSL_SESSION_free(own->session);
    own->session = session;
    return 1;
}

static int begin(client *own, const char *authority, char reason[REASON]) {
    *own = (client){.context = SSL_CTX_new(TLS_client_method())};
    if (own->context == NULL) return fail(reason, "setting up TLS");
    SSL_CTX_set_verify(own->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(own->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(own->context, keep_session);
    SSL_CTX_set_app_data(own->context, own);
    if (SSL_CTX_load_verify_locations(own->context, authority, NULL) != 1) return fail(reason, authority);
    return 0;
}

static void end(client *own) {
    SSL_SESSION_free(own->session);
    SSL_CTX_free(own->context);
}

static int open_socket(uint16_t port, char reason[REASON]) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return fail(reason, "socket");
    struct timeval limit = {.tv_sec = LIMIT_SECONDS};
    int one = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
    fail(reason, "connect");
    close(descriptor);
    return -1;
}

/* Writes a request and reads to the end; how much, at most `capacity` bytes of it kept, or -1. */
static long ask(SSL *connection, const char *path, unsigned char *answer, size_t capacity, char reason[REASON]) {
    char request[1024];
    int length = snprintf(
        request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (length >= (int)sizeof request || SSL_write(connection, request, length) != length)
        return fail(reason, "sending the request");
    size_t total = 0;
    for (;;) {
        unsigned char rest[16384];
        size_t count = 0;
        int kept = total < capacity;
        if (SSL_read_ex(connection, kept ? answer + total : rest, kept ? capacity - total : sizeof rest, &count) == 1) {
            total += count;
            continue;
        }
        if (SSL_get_error(connection, 0) == SSL_ERROR_ZERO_RETURN) return (long)total;
        return fail(reason, "reading the answer");
    }
}

/* One connection, from its handshake to its end: the length of the whole answer, or -1. */
static long connect_once(client *own, const cbench_tls_target *target, unsigned char *answer, size_t capacity,
                         int *resumed, char reason[REASON]) {
    int descriptor = open_socket(target->port, reason);
    if (descriptor < 0) return -1;
    SSL *connection = SSL_new(own->context);
    long length = -1;
    ERR_clear_error();
    if (connection == NULL || SSL_set_fd(connection, descriptor) != 1) {
        fail(reason, "setting up a connection");
    } else {
        if (own->session != NULL) SSL_set_session(connection, own->session);
        if (SSL_connect(connection) != 1) fail(reason, "handshake");
        else length = ask(connection, target->path, answer, capacity, reason);
        *resumed = SSL_session_reused(connection);
        /* Without it OpenSSL takes the session for cut and does not let it be resumed. */
        SSL_shutdown(connection);
    }
    SSL_free(connection);
    close(descriptor);
    return length;
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int is_good(const unsigned char *answer, long length) {
    return length >= 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

int cbench_tls_connections(const cbench_tls_target *target, int resumes, uint64_t nanoseconds,
                           cbench_tls_tally *tally) {
    memset(tally, 0, sizeof *tally);
    client own;
    int status = begin(&own, target->authority, tally->failure);
    uint64_t last = now() + nanoseconds;
    while (status == 0) {
        unsigned char answer[4096];
        int resumed = 0;
        long length = connect_once(&own, target, answer, sizeof answer, &resumed, tally->failure);
        if (length >= 0 && !is_good(answer, length)) length = fail(tally->failure, "the answer is not 200");
        if (length < 0) status = -1;
        else {
            tally->connections++;
            tally->resumed += (uint64_t)resumed;
        }
        if (!resumes) {
            SSL_SESSION_free(own.session);
            own.session = NULL;
        }
        if (now() >= last) break;
    }
    end(&own);
    return status;
}

long cbench_tls_get(const cbench_tls_target *target, unsigned char *body, size_t capacity, char reason[REASON]) {
    client own;
    long length = -1;
    int resumed = 0;
    if (begin(&own, target->authority, reason) == 0)
        length = connect_once(&own, target, body, capacity, &resumed, reason);
    end(&own);
    if (length < 0) return -1;
    if ((size_t)length > capacity || !is_good(body, length)) return fail(reason, "the answer is not 200");
    unsigned char *start = memmem(body, (size_t)length, "\r\n\r\n", 4);
    if (start == NULL) return fail(reason, "the answer is not HTTP");
    start += 4;
    length -= start - body;
    memmove(body, start, (size_t)length);
    return length;
}

/* Clients of a TLS server on 127.0.0.1, by OpenSSL. */
#ifndef CBENCH_TLS_H
#define CBENCH_TLS_H

#include <stddef.h>
#include <stdint.h>

typedef struct cbench_tls_target {
    uint16_t port;
    /* PEM file of the authority that the server's certificate is verified by. */
    const char *authority;
    /* What is asked for: `/small.bin`. */
    const char *path;
} cbench_tls_target;

/* What a stretch of connections came to. */
typedef struct cbench_tls_tally {
    uint64_t connections;
    /* Of those, the ones that took up a former session. */
    uint64_t resumed;
    /* Empty, or why it ended early. */
    char failure[256];
} cbench_tls_tally;

/*
 * Connects again and again for so many nanoseconds, at least once: a handshake, one request, its whole answer, and the
 * end. `resumes`: each connection but the first offers the session of the one before. 0, or -1 with `failure` set.
 */
int cbench_tls_connections(const cbench_tls_target *target, int resumes, uint64_t nanoseconds, cbench_tls_tally *tally);

/* The body of one answer with status 200; its length, or -1 with `failure` set. */
long cbench_tls_get(const cbench_tls_target *target, unsigned char *body, size_t capacity, char failure[256]);

#endif

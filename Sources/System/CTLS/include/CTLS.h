/* CTLS — what Swift cannot say to OpenSSL's libssl: macros, and the callbacks that are called within a handshake. */
#ifndef CTLS_H
#define CTLS_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

/* One session-ticket key. */
typedef struct ctls_ticket_key {
    unsigned char name[16];
    unsigned char cipher[32];
    unsigned char mac[32];
} ctls_ticket_key;

/*
 * Makes a server's SSL_CTX with everything that does not depend on its certificate: TLS 1.2 and 1.3 with forward secrecy
 * and AEAD only, no renegotiation, no compression, no session cache (tickets instead), HTTP/1.1 as the only ALPN protocol.
 * NULL on failure, with OpenSSL's reasons in its queue.
 */
SSL_CTX *ctls_make_context(void);

/* Adds a certificate between the server's own and its authority; the context takes its own reference. 1 or 0. */
int ctls_add_chain_certificate(SSL_CTX *context, X509 *certificate);

/*
 * The keys of session tickets: the first encrypts, all decrypt; a session that came with another than the first gets a
 * new ticket. They are copied. Before the first connection. 1 or 0.
 */
int ctls_set_ticket_keys(SSL_CTX *context, const ctls_ticket_key *keys, size_t count);

/* What a BIO of ours does: both answer how many bytes they took or gave, 0 for "later". */
typedef size_t (*ctls_read)(void *owner, unsigned char *bytes, size_t capacity);
typedef size_t (*ctls_write)(void *owner, const unsigned char *bytes, size_t count);

/* Has a connection read and write through two functions, so that bytes are copied once each way. 1 or 0. */
int ctls_attach(SSL *connection, void *owner, ctls_read read, ctls_write write);

/* -- clients */

/*
 * Whether the leaf of a chain that was verified is the certificate of the peer that is wanted: 1 or 0. Where the chain was
 * not verified, `doubt` says why (an X509_V_ERR_…, otherwise X509_V_OK), and the answer does not matter.
 */
typedef int (*ctls_check)(void *owner, X509 *leaf, int doubt);
typedef void (*ctls_release)(void *owner);

/*
 * Has every full handshake of a client's context verify its peer: the chain against the context's store, then the leaf by
 * `check`. TLS 1.2 and 1.3 with forward secrecy and AEAD only. `owner` belongs to the context from here on, which calls
 * `release` with it once, at its end, or before this returns where it fails. Sessions made by such a handshake carry
 * `tag`, which is not 0. 1 or 0.
 */
int ctls_set_up_client(SSL_CTX *context, void *owner, uint64_t tag, ctls_check check, ctls_release release);

/* The owner that a connection's context was given; NULL where it was given none. It lives as long as the connection. */
void *ctls_client_owner(const SSL *connection);

/*
 * The tag of the context whose handshake checked the peer; 0 where it is not known. A resumed session has the tag of the
 * context that it began with: its own handshake checks nothing.
 */
uint64_t ctls_session_tag(const SSL *connection);

#endif

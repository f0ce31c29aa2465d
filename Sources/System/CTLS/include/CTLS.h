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

#endif

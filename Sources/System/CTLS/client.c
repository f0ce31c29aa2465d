#include "CTLS.h"

#include <openssl/crypto.h>
#include <openssl/x509_vfy.h>

/* What a client's context is tied to. */
typedef struct {
    void *owner;
    uint64_t tag;
    ctls_check check;
    ctls_release release;
} tie;

static int tie_index = -1;
static int tag_index = -1;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static void free_tie(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argument, void *more) {
    (void)parent, (void)data, (void)index, (void)argument, (void)more;
    tie *own = pointer;
    if (own == NULL) return;
    own->release(own->owner);
    OPENSSL_free(own);
}

static void make_indices(void) {
    tie_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_tie);
    /* Copies of a session, which TLS 1.3 makes for each ticket, take the value along. */
    tag_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static tie *tie_of(const SSL *connection) {
    if (connection == NULL || tie_index < 0) return NULL;
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), tie_index);
}

/* SSL_CTX_set_verify(3): called for each certificate of the chain, the leaf last. */
static int verify(int is_sound, X509_STORE_CTX *store) {
    if (is_sound && X509_STORE_CTX_get_error_depth(store) != 0) return 1;
    SSL *connection = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    tie *own = tie_of(connection);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    if (!is_sound) {
        if (own != NULL) own->check(own->owner, certificate, X509_STORE_CTX_get_error(store));
        return 0;
    }
    SSL_SESSION *session = connection != NULL ? SSL_get_session(connection) : NULL;
    if (own != NULL && session != NULL && own->check(own->owner, certificate, X509_V_OK)
        && SSL_SESSION_set_ex_data(session, tag_index, (void *)(uintptr_t)own->tag) == 1)
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

int ctls_set_up_client(SSL_CTX *context, void *owner, uint64_t tag, ctls_check check, ctls_release release) {
    tie *own = NULL;
    if (CRYPTO_THREAD_run_once(&once, make_indices) && tie_index >= 0 && tag_index >= 0)
        own = OPENSSL_malloc(sizeof *own);
    if (own != NULL) {
        *own = (tie){.owner = owner, .tag = tag, .check = check, .release = release};
        if (SSL_CTX_set_ex_data(context, tie_index, own) != 1) {
            OPENSSL_free(own);
            own = NULL;
        }
    }
    if (own == NULL) {
        release(owner);
        return 0;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verify);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1
        && SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

void *ctls_client_owner(const SSL *connection) {
    tie *own = tie_of(connection);
    return own != NULL ? own->owner : NULL;
}

uint64_t ctls_session_tag(const SSL *connection) {
    const SSL_SESSION *session = connection != NULL ? SSL_get_session(connection) : NULL;
    if (session == NULL || tag_index < 0) return 0;
    return (uint64_t)(uintptr_t)SSL_SESSION_get_ex_data(session, tag_index);
}

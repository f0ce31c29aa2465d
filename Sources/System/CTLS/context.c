#include "CTLS.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

/* The ticket keys of a context. */
typedef struct {
    size_t count;
    ctls_ticket_key keys[];
} ticket_keys;

static int keys_index = -1;
static CRYPTO_ONCE keys_once = CRYPTO_ONCE_STATIC_INIT;

static void free_keys(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argument, void *more) {
    (void)parent, (void)data, (void)index, (void)argument, (void)more;
    ticket_keys *keys = pointer;
    if (keys != NULL) OPENSSL_clear_free(keys, sizeof *keys + keys->count * sizeof keys->keys[0]);
}

static void make_index(void) { keys_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_keys); }

static int set_up(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, const ctls_ticket_key *key, unsigned char *vector,
                  int encrypts) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, vector, encrypts) == 1
        && EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 use, 2 use and renew, 0 no such key (a full handshake), -1 an error. */
static int ticket_callback(SSL *connection, unsigned char *name, unsigned char *vector, EVP_CIPHER_CTX *cipher,
                           EVP_MAC_CTX *mac, int encrypts) {
    const ticket_keys *keys = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), keys_index);
    if (keys == NULL || keys->count == 0) return encrypts ? -1 : 0;
    if (encrypts) {
        if (RAND_bytes(vector, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
        memcpy(name, keys->keys[0].name, sizeof keys->keys[0].name);
        return set_up(cipher, mac, &keys->keys[0], vector, 1) ? 1 : -1;
    }
    for (size_t index = 0; index < keys->count; index++) {
        if (memcmp(name, keys->keys[index].name, sizeof keys->keys[index].name) != 0) continue;
        if (!set_up(cipher, mac, &keys->keys[index], vector, 0)) return -1;
        /* In TLS 1.3 a client uses a ticket once (RFC 8446 appendix C.4), and needs another for the next time. */
        return index == 0 && SSL_version(connection) < TLS1_3_VERSION ? 1 : 2;
    }
    return 0;
}

static const unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

static int alpn_callback(SSL *connection, const unsigned char **chosen, unsigned char *length,
                         const unsigned char *offered, unsigned int count, void *context) {
    (void)connection, (void)context;
    /* Either our only protocol or a fatal alert (RFC 7301 section 3.2). */
    unsigned char *found = NULL;
    if (SSL_select_next_proto(&found, length, http11, sizeof http11, offered, count) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/* AES-128 first: its strength is that of the curves beside it, and its SHA-256 has instructions of its own. */
static const char tls12_ciphers[] = "ECDHE+AES128+AESGCM:ECDHE+CHACHA20:ECDHE+AESGCM";
static const char tls13_ciphers[] = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";

SSL_CTX *ctls_make_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) return NULL;
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
                                     | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                                  | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, alpn_callback, NULL);
    int is_sound = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1
        && SSL_CTX_set_cipher_list(context, tls12_ciphers) == 1
        && SSL_CTX_set_ciphersuites(context, tls13_ciphers) == 1
        && SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1
        && SSL_CTX_set1_sigalgs_list(
               context, "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
                        "RSA+SHA256:RSA+SHA384:RSA+SHA512") == 1
        && SSL_CTX_set_num_tickets(context, 1) == 1;
    if (is_sound) return context;
    SSL_CTX_free(context);
    return NULL;
}

int ctls_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate) == 1;
}

int ctls_set_ticket_keys(SSL_CTX *context, const ctls_ticket_key *keys, size_t count) {
    if (!CRYPTO_THREAD_run_once(&keys_once, make_index) || keys_index < 0) return 0;
    ticket_keys *copy = OPENSSL_malloc(sizeof *copy + count * sizeof copy->keys[0]);
    if (copy == NULL) return 0;
    copy->count = count;
    memcpy(copy->keys, keys, count * sizeof copy->keys[0]);
    if (SSL_CTX_set_ex_data(context, keys_index, copy) != 1) {
        OPENSSL_free(copy);
        return 0;
    }
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_callback) == 1;
}

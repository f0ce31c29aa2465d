#include "CTLS.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>

/* The owner of a BIO of ours and its two functions. */
typedef struct {
    void *owner;
    ctls_read read;
    ctls_write write;
} functions;

static int bio_read(BIO *bio, char *bytes, size_t capacity, size_t *count) {
    functions *own = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *count = own->read(own->owner, (unsigned char *)bytes, capacity);
    if (*count > 0 || capacity == 0) return 1;
    BIO_set_retry_read(bio);
    return 0;
}

static int bio_write(BIO *bio, const char *bytes, size_t length, size_t *count) {
    functions *own = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *count = own->write(own->owner, (const unsigned char *)bytes, length);
    if (*count > 0 || length == 0) return 1;
    BIO_set_retry_write(bio);
    return 0;
}

/* What libssl asks of a BIO that neither buffers nor ends by itself (BIO_ctrl(3)). */
static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_destroy(BIO *bio) {
    OPENSSL_free(BIO_get_data(bio));
    return 1;
}

static BIO_METHOD *method;
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;

static void make_method(void) {
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel");
    if (made == NULL) return;
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    BIO_meth_set_destroy(made, bio_destroy);
    method = made;
}

int ctls_attach(SSL *connection, void *owner, ctls_read read, ctls_write write) {
    if (!CRYPTO_THREAD_run_once(&method_once, make_method) || method == NULL) return 0;
    BIO *bio = BIO_new(method);
    functions *own = OPENSSL_malloc(sizeof *own);
    if (bio == NULL || own == NULL) {
        BIO_free(bio);
        OPENSSL_free(own);
        return 0;
    }
    *own = (functions){.owner = owner, .read = read, .write = write};
    BIO_set_data(bio, own);
    BIO_set_init(bio, 1);
    /* One BIO for both ways: the connection takes the one reference. */
    SSL_set_bio(connection, bio, bio);
    return 1;
}

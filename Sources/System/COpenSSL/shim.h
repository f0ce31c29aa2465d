#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* Macros of OpenSSL that Swift cannot see. */

/* Whether an error only says that a PEM text holds nothing (more): its end. */
static inline int cossl_is_missing_pem(unsigned long error) {
    return error == 0 || (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
}

static const unsigned long cossl_rfc2253 = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB;
static const int cossl_utf8_string = MBSTRING_UTF8;
static const uint64_t cossl_no_ticket = SSL_OP_NO_TICKET;

/* The subject alternative names of a certificate; NULL where it has none. To be freed with cossl_free_names. */
static inline GENERAL_NAMES *cossl_alternative_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

static inline int cossl_count_names(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

/* The bytes of a name that is a URI, not terminated; NULL for another kind. They live as long as the names. */
static inline const unsigned char *cossl_uri(const GENERAL_NAMES *names, int index, long *length) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name == NULL || name->type != GEN_URI) return NULL;
    *length = ASN1_STRING_length(name->d.uniformResourceIdentifier);
    return ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
}

/* Writes a name with its kind: `DNS:ws-17`, `URI:muster:server`, `IP Address:192.0.2.7`. */
static inline int cossl_print_name(BIO *bio, const GENERAL_NAMES *names, int index) {
    return GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(names, index));
}

static inline void cossl_free_names(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }

/* CDigest — a file's SHA-256 by OpenSSL, computed in a child process. */
#ifndef CDIGEST_H
#define CDIGEST_H

#include <stdint.h>

/*
 * SHA-256 (FIPS 180-4) of the whole file behind a descriptor that is open for reading; its offset does not move. A
 * child that fork(2) makes and that ends at once does the work: what OpenSSL loads and allocates on its first use,
 * 2 MB, is not kept by a process that runs for months and hashes a few files in its life. In the child runs C alone,
 * so the caller may have threads.
 * Returns 0, or an errno: EIO where OpenSSL failed or the child ended without an answer.
 */
int cdigest_sha256(int descriptor, uint8_t result[32]);

#endif

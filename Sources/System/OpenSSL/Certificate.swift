package import COpenSSL
package import FoundationEssentials
internal import Glibc

/// An X.509 certificate (RFC 5280).
package struct Certificate: ~Copyable {
    package let raw: OpaquePointer

    package init(owning raw: OpaquePointer) { self.raw = raw }

    deinit { X509_free(raw) }

    /// The next certificate of a PEM text; nil at its end.
    package static func next(in bio: borrowing MemoryBIO) throws(OpenSSLFailure) -> Certificate? {
        let source = bio.raw
        ERR_clear_error()
        if let raw = PEM_read_bio_X509(source, nil, refusePassword, nil) { return Certificate(owning: raw) }
        let isEnd = cossl_is_missing_pem(ERR_peek_last_error()) == 1
        let failure = OpenSSLFailure.take()
        if isEnd { return nil }
        throw failure
    }

    package func pem() throws(OpenSSLFailure) -> Data {
        let bio = try MemoryBIO()
        let (raw, target) = (raw, bio.raw)
        try succeeding { PEM_write_bio_X509(target, raw) }
        return bio.contents()
    }

    /// RFC 2253: `CN=ws-17,O=Example`.
    package var subject: String {
        guard let bio = try? MemoryBIO(), let name = X509_get_subject_name(raw),
            X509_NAME_print_ex(bio.raw, name, 0, cossl_rfc2253) >= 0
        else { return "" }
        return String(decoding: bio.contents(), as: UTF8.self)
    }

    /// Seconds since 1970; nil where the certificate's time cannot be read.
    package static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        var calendar = tm()
        guard let time, ASN1_TIME_to_tm(time, &calendar) == 1 else { return nil }
        return Int64(timegm(&calendar))
    }
}

internal import COpenSSL
package import FoundationEssentials

/// Certificates in the order in which they were read or shown: the first belongs to whoever shows them.
package final class CertificateChain {
    /// More than any chain of honest length has.
    package static let limit = 16

    /// A certificate as a reference, for it goes into an array.
    private final class Held {
        let certificate: Certificate
        init(_ certificate: consuming Certificate) { self.certificate = certificate }
    }

    private var held: [Held] = []

    package var count: Int { held.count }
    package var isEmpty: Bool { held.isEmpty }

    package init() {}

    /// All certificates of a PEM text, of which other parts are passed over.
    package init(pem: Data) throws(OpenSSLFailure) {
        let bio = try MemoryBIO(pem)
        while let next = try Certificate.next(in: bio) {
            guard held.count < Self.limit else {
                throw OpenSSLFailure(reasons: ["more than \(Self.limit) certificates in one text"])
            }
            held.append(Held(next))
        }
    }

    package func append(_ certificate: consuming Certificate) { held.append(Held(certificate)) }

    /// Lends a certificate; nil where there are not so many.
    package func with<Value, Failure: Error>(
        _ index: Int, _ body: (borrowing Certificate) throws(Failure) -> Value
    ) throws(Failure) -> Value? {
        guard held.indices.contains(index) else { return nil }
        return try body(held[index].certificate)
    }

    package func firstIndex(where matches: (borrowing Certificate) -> Bool) -> Int? {
        held.firstIndex { matches($0.certificate) }
    }

    /// The certificates alone, each in PEM.
    package func pem() throws(OpenSSLFailure) -> Data {
        var all = Data()
        for one in held { all += try one.certificate.pem() }
        return all
    }

    /// Why the first is not vouched for by `root`, through the others: one of X509_V_ERR_* (X509_STORE_CTX_get_error(3))
    /// and the index in this chain of the certificate it is about, where it is one of these; nil: it is.
    /// - Parameters:
    ///   - time: seconds since 1970; nil: at any time.
    ///   - purpose: X509_PURPOSE_SSL_SERVER or the like.
    package func doubt(under root: borrowing Certificate, at time: Int64?, purpose: CInt) throws(OpenSSLFailure)
        -> (code: CInt, index: Int?)?
    {
        guard let first = held.first else { return (X509_V_ERR_UNSPECIFIED, nil) }
        let (rootRaw, leaf) = (root.raw, first.certificate.raw)
        let store = try succeeding { X509_STORE_new() }
        defer { X509_STORE_free(store) }
        try succeeding { X509_STORE_add_cert(store, rootRaw) }
        // The stack borrows the certificates: it is freed without them.
        let others = try succeeding { OPENSSL_sk_new_null() }
        defer { OPENSSL_sk_free(others) }
        for one in held.dropFirst() { OPENSSL_sk_push(others, UnsafeRawPointer(one.certificate.raw)) }
        let context = try succeeding { X509_STORE_CTX_new() }
        defer { X509_STORE_CTX_free(context) }
        try succeeding { X509_STORE_CTX_init(context, store, leaf, others) }
        let parameters = X509_STORE_CTX_get0_param(context)
        X509_VERIFY_PARAM_set_purpose(parameters, purpose)
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_X509_STRICT))
        if let time {
            X509_VERIFY_PARAM_set_time(parameters, Int(time))
        } else {
            X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_NO_CHECK_TIME))
        }
        return withExtendedLifetime(held) {
            if X509_verify_cert(context) == 1 { return nil }
            ERR_clear_error()
            let blamed = X509_STORE_CTX_get_current_cert(context)
            let index = held.firstIndex { one in blamed.map { X509_cmp($0, one.certificate.raw) == 0 } ?? false }
            return (X509_STORE_CTX_get_error(context), index)
        }
    }
}

extension CertificateChain {
    /// OpenSSL's words for one of X509_V_ERR_*.
    package static func words(_ code: CInt) -> String {
        X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
    }
}

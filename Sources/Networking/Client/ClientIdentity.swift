internal import COpenSSL
internal import CTLS
internal import OpenSSL

/// A certificate as a reference, for it goes into an array.
final class HeldCertificate {
    let certificate: Certificate
    init(_ certificate: consuming Certificate) { self.certificate = certificate }
    var raw: OpaquePointer { certificate.raw }
}

/// The certificate that a client shows, and its key.
final class ClientIdentity {
    private let leaf: HeldCertificate
    private let others: ArraySlice<HeldCertificate>
    private let key: PrivateKey

    init(_ tls: HTTPClientTLS) throws(HTTPClientRefusal) {
        let chain = try ClientTrust.certificates(tls.certificate, "client certificate")
        guard let leaf = chain.first else { throw HTTPClientRefusal("The client certificate is empty.") }
        do throws(OpenSSLFailure) {
            key = try PrivateKey(in: try MemoryBIO(reading: tls.privateKey))
            let keyRaw = key.raw
            try succeeding { X509_check_private_key(leaf.raw, keyRaw) }
        } catch {
            throw ClientTrust.refusal("client's private key", error)
        }
        self.leaf = leaf
        others = chain.dropFirst()
    }

    func use(in context: OpaquePointer) throws(OpenSSLFailure) {
        let (leafRaw, keyRaw) = (leaf.raw, key.raw)
        try succeeding { SSL_CTX_use_certificate(context, leafRaw) }
        try succeeding { SSL_CTX_use_PrivateKey(context, keyRaw) }
        for other in others { try succeeding { ctls_add_chain_certificate(context, other.raw) } }
    }
}

/// Whose certificates are believed (X509_STORE_new(3)).
final class TrustStore {
    let raw: OpaquePointer

    /// - Parameter authority: PEM; empty: what the system trusts.
    init(_ authority: UnsafeRawBufferPointer) throws(HTTPClientRefusal) {
        let certificates = authority.isEmpty ? [] : try ClientTrust.certificates(authority, "authority")
        do throws(OpenSSLFailure) {
            raw = try succeeding { X509_STORE_new() }
        } catch {
            throw ClientTrust.refusal("authority", error)
        }
        do throws(OpenSSLFailure) {
            let raw = raw
            if certificates.isEmpty {
                try succeeding { X509_STORE_set_default_paths(raw) }
            } else {
                // What is given is what is believed, also where it is no root.
                try succeeding { X509_STORE_set_flags(raw, UInt(X509_V_FLAG_PARTIAL_CHAIN)) }
            }
            for certificate in certificates { try succeeding { X509_STORE_add_cert(raw, certificate.raw) } }
        } catch {
            throw ClientTrust.refusal("authority", error)
        }
    }

    deinit { X509_STORE_free(raw) }
}

internal import COpenSSL
internal import ControlProtocol
internal import FoundationEssentials
internal import OpenSSL

/// Whether a listener can be served with a certificate, its key and the authorities of its clients.
enum CredentialCheck {
    /// More than any chain or bundle has; a file beyond it is something else.
    private static let certificateLimit = 1000

    static func facts(
        certificate: Data, privateKey: Data, authority: Data?
    ) throws(CredentialFlaw) -> CertificateFacts {
        let chain = try certificates(certificate, .certificate)
        guard let leaf = chain.first else {
            throw CredentialFlaw(part: .certificate, reason: "holds no certificate in PEM")
        }
        try checkKey(privateKey, of: leaf)
        if let authority, try certificates(authority, .authority).isEmpty {
            throw CredentialFlaw(part: .authority, reason: "holds no certificate in PEM")
        }
        guard let notBefore = Certificate.seconds(X509_get0_notBefore(leaf.raw)),
            let notAfter = Certificate.seconds(X509_get0_notAfter(leaf.raw))
        else { throw CredentialFlaw(part: .certificate, reason: "has a date that cannot be read") }
        return CertificateFacts(subject: leaf.subject, notBefore: notBefore, notAfter: notAfter)
    }

    /// Certificates as references, for they go into an array.
    private final class Held {
        let certificate: Certificate
        init(_ certificate: consuming Certificate) { self.certificate = certificate }
        var raw: OpaquePointer { certificate.raw }
        var subject: String { certificate.subject }
    }

    private static func certificates(_ pem: Data, _ part: CredentialFlaw.Part) throws(CredentialFlaw) -> [Held] {
        do throws(OpenSSLFailure) {
            let bio = try MemoryBIO(pem)
            var found: [Held] = []
            while found.count < certificateLimit, let next = try Certificate.next(in: bio) { found.append(Held(next)) }
            return found
        } catch {
            throw CredentialFlaw(
                part: part, reason: "holds a certificate that OpenSSL cannot read (\(error.sentence))")
        }
    }

    private static func checkKey(_ pem: Data, of leaf: Held) throws(CredentialFlaw) {
        let key: PrivateKey
        do throws(OpenSSLFailure) {
            key = try PrivateKey(pem: pem)
        } catch {
            let isEncrypted = String(decoding: pem, as: UTF8.self).contains("ENCRYPTED")
            throw CredentialFlaw(
                part: .privateKey,
                reason: isEncrypted
                    ? "is encrypted, and nobody is there to be asked for the password; decrypt it with 'openssl pkey', "
                        + "and let its file's mode protect it"
                    : "holds no private key in PEM that OpenSSL can read (\(error.sentence))")
        }
        do throws(OpenSSLFailure) {
            let raw = key.raw
            try succeeding { X509_check_private_key(leaf.raw, raw) }
        } catch {
            throw CredentialFlaw(
                part: .privateKey, reason: "does not belong to the certificate of \(leaf.subject) (\(error.sentence))")
        }
    }
}

internal import COpenSSL
import FoundationEssentials
internal import OpenSSL

/// What a machine asks for a certificate with: PKCS #10 (RFC 2986). Of it counts the key alone, which the request's
/// signature proves to be the sender's; what the machine would like to be called and may do says the authority.
public struct SigningRequest: Sendable {
    /// Bytes of a text: a request with a key on P-256 has less than a thousand.
    public static let limit = 16 << 10

    /// SubjectPublicKeyInfo, DER.
    let publicKey: [UInt8]

    public init(pem: String) throws(FleetIdentityError) {
        guard pem.utf8.count <= Self.limit else {
            throw FleetIdentityError("the certificate request is larger than \(Self.limit >> 10) KiB")
        }
        let request = try openSSL("there is no certificate request in PEM that could be read") {
            () throws(OpenSSLFailure) in
            let bio = try MemoryBIO(Data(pem.utf8))
            let source = bio.raw
            return try succeeding { PEM_read_bio_X509_REQ(source, nil, nil, nil) }
        }
        defer { X509_REQ_free(request) }
        let key = X509_REQ_get0_pubkey(request)
        ERR_clear_error()
        guard let key, PublicKey.isP256(key), let der = PublicKey.der(key) else {
            throw FleetIdentityError(
                "the certificate request has a key of another kind than ECDSA P-256, which the fleet uses")
        }
        let isGenuine = X509_REQ_verify(request, key) == 1
        ERR_clear_error()
        guard isGenuine else {
            throw FleetIdentityError("the certificate request is not signed with the key that it asks for")
        }
        publicKey = der
    }
}

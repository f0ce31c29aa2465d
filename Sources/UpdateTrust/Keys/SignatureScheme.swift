/// How a key signs (TUF section 4.2.1).
public enum SignatureScheme: String, Sendable, CaseIterable {
    /// RFC 8032; the public key is 32 bytes in hexadecimal.
    case ed25519
    /// FIPS 186-4 on P-256 with SHA-256; the public key is SubjectPublicKeyInfo in PEM, the signature DER.
    case ecdsaP256 = "ecdsa-sha2-nistp256"
    /// RFC 8017 section 8.1, SHA-256 for content and MGF1; the public key is SubjectPublicKeyInfo in PEM.
    case rsaPSS = "rsassa-pss-sha256"

    /// What `keytype` says of a key of ours.
    var keyType: String {
        switch self {
        case .ed25519: "ed25519"
        case .ecdsaP256: "ecdsa"
        case .rsaPSS: "rsa"
        }
    }

    /// Others write `ecdsa-sha2-nistp256` as the type as well.
    func accepts(keyType: String) -> Bool { keyType == self.keyType || self == .ecdsaP256 && keyType == rawValue }
}

internal import OpenSSL

/// A public key as metadata lists it (TUF section 4.2.1).
public struct PublicKey: Hashable, Sendable {
    /// As it was written, unknown fields included.
    public let json: JSON
    /// SHA-256 of the canonical form of all of it, in hexadecimal: what it must be called by.
    public let id: String
    public let keyType: String
    public let schemeName: String
    /// `keyval.public`.
    public let value: String

    /// nil: none that we know, so that the key never verifies.
    public var scheme: SignatureScheme? {
        SignatureScheme(rawValue: schemeName).flatMap { $0.accepts(keyType: keyType) ? $0 : nil }
    }

    init(_ json: JSON, at place: String) throws(MetadataError) {
        let fields = try JSONFields(json, at: place)
        self.json = json
        keyType = try fields.string("keytype")
        schemeName = try fields.string("scheme")
        value = try fields.fields("keyval").string("public")
        do throws(OpenSSLFailure) {
            id = Hexadecimal.lower(try Digest.of(json.canonical))
        } catch {
            throw MetadataError(place, "OpenSSL could not compute a digest: \(error.sentence)")
        }
    }

    public init(_ json: JSON) throws(MetadataError) { try self.init(json, at: "") }
}

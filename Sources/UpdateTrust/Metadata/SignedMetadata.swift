internal import OpenSSL

/// One signature of a file.
public struct MetadataSignature: Hashable, Sendable {
    public var keyID: String
    /// Empty where the text was not hexadecimal: it verifies nothing.
    public var bytes: [UInt8]

    public init(keyID: String, bytes: [UInt8]) {
        self.keyID = keyID
        self.bytes = bytes
    }
}

/// A metadata file: what is said, and who signed it (TUF section 4.2). Nothing here is verified yet but its form.
public struct SignedMetadata<Role: MetadataRole>: Sendable {
    /// As it was received, byte for byte.
    public let bytes: [UInt8]
    public let role: Role
    public let signatures: [MetadataSignature]
    /// What is signed: the canonical form of `signed`.
    public let signedBytes: [UInt8]

    /// Throws `MetadataError` for anything that is not a file of this role.
    public init(_ bytes: [UInt8]) throws(MetadataError) {
        let json: JSON
        do throws(JSONSyntaxError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw MetadataError("", "it is not JSON that may be signed: \(error)")
        }
        let envelope = try JSONFields(json, at: "")
        let signed = try envelope.fields("signed")
        let type = try signed.string("_type")
        guard type == Role.type else { throw MetadataError("signed._type", "it is '\(type)' and not '\(Role.type)'") }
        let version = try signed.string("spec_version")
        guard Self.isSupported(version) else {
            throw MetadataError("signed.spec_version", "it is '\(version)', and version 1 of TUF is understood here")
        }
        self.bytes = bytes
        role = try Role(signed.object)
        signatures = try Self.signatures(envelope)
        signedBytes = JSON.object(signed.object).canonical
    }

    private static func isSupported(_ version: String) -> Bool {
        let parts = version.split(separator: ".", omittingEmptySubsequences: false)
        return (2...3).contains(parts.count) && parts[0] == "1"
            && parts.allSatisfy { (1...9).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }

    private static func signatures(_ envelope: JSONFields) throws(MetadataError) -> [MetadataSignature] {
        var signatures: [MetadataSignature] = []
        var seen: Set<String> = []
        for (index, item) in try envelope.array("signatures").enumerated() {
            let fields = try JSONFields(item, at: "signatures[\(index)]")
            let id = try fields.string("keyid")
            guard seen.insert(id).inserted else { throw MetadataError(fields.place, "a key signs twice") }
            signatures.append(
                MetadataSignature(keyID: id, bytes: Hexadecimal.bytes(try fields.string("sig")) ?? []))
        }
        return signatures
    }
}

/// What one kind of file says.
public protocol MetadataRole: Sendable {
    /// `_type`.
    static var type: String { get }
    /// From 1.
    var version: Int64 { get }
    var expires: MetadataTime { get }

    /// - Parameter signed: the part `signed` of a file.
    init(_ signed: JSONObject) throws(MetadataError)
}

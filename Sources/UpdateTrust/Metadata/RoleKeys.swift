/// The keys of a role and how many of them must sign (TUF section 4.3).
public struct RoleKeys: Hashable, Sendable {
    public var keyIDs: [String]
    public var threshold: Int
    /// Keys that this role may be signed with, by their number. What is listed and is not here, or is called by another
    /// number than its own, never counts.
    var keys: [String: PublicKey]

    init(_ fields: JSONFields, keys all: [String: PublicKey]) throws(MetadataError) {
        keyIDs = try fields.strings("keyids")
        guard Set(keyIDs).count == keyIDs.count else {
            throw MetadataError(fields.at("keyids"), "the same key is listed twice")
        }
        threshold = Int(clamping: try fields.integer("threshold", from: 1))
        keys = [:]
        for id in keyIDs {
            if let key = all[id], key.id == id { keys[id] = key }
        }
    }

    /// How many of the role's keys have signed: each once, however it is called, and however often.
    func count(_ signatures: [MetadataSignature], over content: [UInt8]) -> Int {
        var signers: [PublicKey] = []
        for signature in signatures {
            guard let key = keys[signature.keyID], key.verifies(signature.bytes, over: content),
                !signers.contains(where: { $0.isSameKey(as: key) })
            else { continue }
            signers.append(key)
        }
        return signers.count
    }
}

internal import OpenSSL

/// The digests of a file, by algorithm (TUF section 4.5).
public struct FileHashes: Hashable, Sendable {
    /// Lower-case hexadecimal.
    public var sha256: String?
    public var sha512: String?
    /// Algorithms that are listed and not known.
    public var unknown: [String] = []

    public init(sha256: String? = nil, sha512: String? = nil) {
        self.sha256 = sha256
        self.sha512 = sha512
    }

    init(_ fields: JSONFields) throws(MetadataError) {
        guard !fields.object.isEmpty else { throw MetadataError(fields.place, "there must be a digest") }
        for member in fields.object.members {
            let text = try fields.string(member)
            guard let kind = Digest.Kind(rawValue: member.key) else {
                unknown.append(member.key)
                continue
            }
            guard let bytes = Hexadecimal.bytes(text), bytes.count == kind.length else {
                throw MetadataError(fields.at(member.key), "it must be \(kind.length) bytes in hexadecimal")
            }
            switch kind {
            case .sha256: sha256 = Hexadecimal.lower(bytes)
            case .sha512: sha512 = Hexadecimal.lower(bytes)
            }
        }
    }

    /// Those that can be checked, the shortest first.
    var known: [(kind: Digest.Kind, digest: String)] {
        [(.sha256, sha256), (.sha512, sha512)].compactMap { kind, digest in digest.map { (kind, $0) } }
    }

    /// What a file's name begins with under consistent snapshots; nil where there is none that we could check.
    public var prefix: String? { sha256 ?? sha512 }

    /// Whether all known digests of these bytes are the listed ones; false where none is known.
    func match(_ bytes: [UInt8]) -> Bool {
        !known.isEmpty
            && known.allSatisfy { kind, digest in
                (try? Digest.of(bytes, kind)).map { Hexadecimal.lower($0) == digest } ?? false
            }
    }

    var json: JSON {
        var object = JSONObject()
        if let sha256 { object["sha256"] = .string(sha256) }
        if let sha512 { object["sha512"] = .string(sha512) }
        return .object(object)
    }
}

extension FileHashes {
    /// In hexadecimal; nil only where OpenSSL has no memory.
    public static func sha256(of bytes: [UInt8]) -> String? {
        (try? Digest.of(bytes, .sha256)).map { Hexadecimal.lower($0) }
    }
}

public import Fleet

/// Signatures that are a file's SHA-256 and size: the engine that needs no parser of hostile bytes.
///
/// Every name it reports ends in `.UNOFFICIAL`, as with ClamAV for signatures that ClamAV's own publisher did not sign, so
/// that a detection is called the same by both.
public struct HashList: SweepEngine {
    public let version: String
    public let date: Timestamp?
    let table: HashTable

    public var signatureCount: Int { table.count }

    init(version: String, date: Timestamp?, table: HashTable) {
        self.version = version
        self.date = date
        self.table = table
    }

    public func judge(
        _ descriptor: CInt, _ facts: FileFacts, _ watch: ReadWatch
    ) throws(JudgementFailure) -> Judgement {
        let digest = try FileHasher.digest(descriptor, size: facts.size, watch)
        return Judgement(
            sha256: digest, threat: table.name(of: digest, size: facts.size).map { Threat(name: $0 + ".UNOFFICIAL") })
    }
}

internal import MusterABI
internal import Networking

/// A client's identity as the ABI has it, for the time of one call.
final class IdentityTable {
    private let texts: [StableText]
    private let uris: UnsafeMutablePointer<muster_string>
    private let storage: TableStorage<muster_tls_identity>

    init(_ identity: TLSIdentity) {
        let subject = StableText(identity.subject)
        let others = identity.uris.map { StableText($0) }
        texts = [subject] + others
        uris = .allocate(capacity: max(1, others.count))
        for (index, text) in others.enumerated() { (uris + index).initialize(to: text.value) }
        var table = muster_tls_identity()
        table.struct_size = UInt32(MemoryLayout<muster_tls_identity>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.subject = subject.value
        table.uris = UnsafePointer(uris)
        table.uri_count = others.count
        storage = TableStorage(table)
    }

    deinit { uris.deallocate() }

    var pointer: UnsafePointer<muster_tls_identity> { storage.pointer }
}

internal import MusterABI

/// `muster.state/1` of one component: the path of its own directory.
final class StateExtension: @unchecked Sendable {
    // Safe to share: everything is made in init and only read from then on.
    private let directory: StableText
    private var storage: TableStorage<muster_state>?

    init(directory: String) {
        self.directory = StableText(directory)
        var table = muster_state()
        table.struct_size = UInt32(MemoryLayout<muster_state>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.directory = { context in
            guard let context else { return muster_string() }
            return Unmanaged<StateExtension>.fromOpaque(context).takeUnretainedValue().directory.value
        }
        storage = TableStorage(table)
    }

    var table: UnsafePointer<muster_state>? { storage?.pointer }
}

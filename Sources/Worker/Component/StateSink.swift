internal import Locks
internal import ControlProtocol
internal import FoundationEssentials
internal import MusterABI

/// `muster_sink`: where a component's release writes the state that the next generation needs.
///
/// The table lives as long as the component, longer than the contract asks for, so that a plugin that writes too late is
/// told so instead of writing into memory that is gone.
final class StateSink: @unchecked Sendable {
    // Safe to share: the table is made in init and only read from then on; what changes is behind a lock.

    /// Bytes of one component's state.
    static let limit = 8 << 20

    /// nil while no release is under way.
    private let written = Locked<[UInt8]?>(nil)
    private var storage: TableStorage<muster_sink>?

    init() {
        var table = muster_sink()
        table.struct_size = UInt32(MemoryLayout<muster_sink>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.write = { context, bytes in
            guard let context else { return MUSTER_INVALID }
            return Unmanaged<StateSink>.fromOpaque(context).takeUnretainedValue().write(bytes)
        }
        storage = TableStorage(table)
    }

    /// Collects what is written during `body`.
    func collect<Result>(during body: (UnsafePointer<muster_sink>?) -> Result) -> (Result, Data) {
        written.withLock { $0 = [] }
        let result = body(storage?.pointer)
        let bytes = written.withLock { written in
            defer { written = nil }
            return written ?? []
        }
        return (result, Data(bytes))
    }

    private func write(_ bytes: muster_bytes) -> muster_status {
        guard bytes.length != 0 else { return MUSTER_OK }
        guard let data = bytes.data else { return MUSTER_INVALID }
        return written.withLock { written in
            guard let count = written?.count else { return MUSTER_WRONG_STATE }
            guard UInt(bitPattern: bytes.length) <= UInt(Self.limit - count) else { return MUSTER_BUSY }
            written?.append(contentsOf: UnsafeBufferPointer(start: data, count: bytes.length))
            return MUSTER_OK
        }
    }
}

internal import MusterABI

/// A text as the ABI hands it out, at an address that stays the same until this object goes.
final class StableText: @unchecked Sendable {
    // Safe to share: the bytes are written in init and only read from then on.
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String) {
        bytes = .allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
    }

    deinit { bytes.deallocate() }

    var value: muster_string {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return muster_string() }
        return muster_string(data: UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self), length: bytes.count)
    }
}

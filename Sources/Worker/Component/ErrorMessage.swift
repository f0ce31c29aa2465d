internal import MusterABI

/// A `muster_error` that the host owns, for one call into the plugin.
struct ErrorMessage {
    /// The reason, or nil where the plugin gave none.
    var message: String?
    /// The option to blame, by dotted name.
    var option: String?

    /// Makes the structure, calls `body` with it and reads what was written. Whatever is in it, nothing beyond its fields
    /// is read.
    static func during<Result>(
        _ body: (UnsafeMutablePointer<muster_error>) -> Result
    ) -> (Result, ErrorMessage) {
        withUnsafeTemporaryAllocation(of: muster_error.self, capacity: 1) { buffer in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
            // The temporary allocation has room for one: its base address exists.
            guard let error = buffer.baseAddress else { preconditionFailure("an allocation of one has an address") }
            error.pointee.struct_size = UInt32(MemoryLayout<muster_error>.size)
            error.pointee.abi_major = UInt16(MUSTER_ABI_MAJOR)
            error.pointee.abi_minor = UInt16(MUSTER_ABI_MINOR)
            let result = body(error)
            let message = text(in: bytes, at: MemoryLayout.offset(of: \muster_error.message), size: messageCapacity)
            let option = text(in: bytes, at: MemoryLayout.offset(of: \muster_error.option), size: optionCapacity)
            return (result, ErrorMessage(message: message, option: option))
        }
    }

    /// Writes a reason into an error that a plugin owns: cut between characters, ended by a NUL. A NULL pointer and one
    /// too small for 1.0 want none.
    static func write(_ message: String, to error: UnsafeMutablePointer<muster_error>?) {
        guard let error, error.pointee.struct_size >= UInt32(MUSTER_ERROR_SIZE_1_0),
            let offset = MemoryLayout.offset(of: \muster_error.message)
        else { return }
        let field = UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(error) + offset, count: messageCapacity)
        var length = 0
        for character in message {
            let size = character.utf8.count
            guard length + size < field.count else { break }
            for (index, byte) in character.utf8.enumerated() { field[length + index] = byte }
            length += size
        }
        field[length] = 0
    }

    private static let messageCapacity = Int(MUSTER_ERROR_CAPACITY)
    private static let optionCapacity = MemoryLayout.size(ofValue: muster_error().option)

    private static func text(in bytes: UnsafeMutableRawBufferPointer, at offset: Int?, size: Int) -> String? {
        guard let offset else { return nil }
        let field = bytes[offset..<(offset + size)].prefix { $0 != 0 }
        let text = String(decoding: field, as: UTF8.self)
        return text.isEmpty ? nil : text
    }
}

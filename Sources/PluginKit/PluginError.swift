import MusterABI

/// Why a step of a component's life failed, for the operator.
///
/// Any other error that a plugin throws reaches the operator as its description.
public struct PluginError: Error, Sendable, CustomStringConvertible {
    /// What the host makes of it.
    public enum Kind: Sendable {
        /// The host tries again, under the rules of supervision.
        case failure
        /// The operator must change the configuration: the host waits for a reload.
        case configuration
        /// The host lacks what the plugin needs.
        case unsupported
    }

    public var kind: Kind
    /// What happened, where, and what to do about it; a sentence without a secret.
    public var message: String
    /// The option to blame, by its dotted name: the host adds file, line and column.
    public var option: String?

    public init(_ message: String, kind: Kind = .failure, option: String? = nil) {
        self.kind = kind
        self.message = message
        self.option = option
    }

    public var description: String { option.map { "\($0): \(message)" } ?? message }
}

extension PluginError {
    /// What a failed call of the host's says, with `doing` for a host that gives no reason.
    init(status: muster_status, error: muster_error, doing: String) {
        let message = withUnsafeBytes(of: error.message) { Self.text(of: $0) }
        let option = withUnsafeBytes(of: error.option) { Self.text(of: $0) }
        self.init(
            message.isEmpty ? "The host could not \(doing) (status \(status))." : message,
            kind: status == MUSTER_CONFIGURATION
                ? .configuration : status == MUSTER_UNSUPPORTED ? .unsupported : .failure,
            option: option.isEmpty ? nil : option)
    }

    private static func text(of buffer: UnsafeRawBufferPointer) -> String {
        String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }

    var status: muster_status {
        switch kind {
        case .failure: MUSTER_FAILED
        case .configuration: MUSTER_CONFIGURATION
        case .unsupported: MUSTER_UNSUPPORTED
        }
    }
}

extension UnsafeMutablePointer<muster_error> {
    /// Writes the reason of `failure` as far as there is room, cut between characters.
    func describe(_ failure: any Error) {
        // The caller sets struct_size; one that reaches no further than the message has no room for the option.
        let room = Int(pointee.struct_size)
        let error = failure as? PluginError
        Self.copy(
            error?.message ?? "\(failure)",
            to: UnsafeMutableRawPointer(self) + (MemoryLayout<muster_error>.offset(of: \.message) ?? room),
            within: self,
            capacity: Int(MUSTER_ERROR_CAPACITY))
        if let option = error?.option {
            Self.copy(
                option, to: UnsafeMutableRawPointer(self) + (MemoryLayout<muster_error>.offset(of: \.option) ?? room),
                within: self, capacity: 128)
        }
    }

    /// Copies `text` and a NUL to `field`, which has `capacity` bytes, where all of it lies within the structure.
    private static func copy(
        _ text: String, to field: UnsafeMutableRawPointer, within error: Self, capacity: Int
    ) {
        let offset = field - UnsafeMutableRawPointer(error)
        guard offset + capacity <= Int(error.pointee.struct_size) else { return }
        var used = 0
        for character in text {
            guard used + character.utf8.count < capacity else { break }
            for byte in character.utf8 {
                field.storeBytes(of: byte == 0 ? UInt8(ascii: " ") : byte, toByteOffset: used, as: UInt8.self)
                used += 1
            }
        }
        field.storeBytes(of: 0, toByteOffset: used, as: UInt8.self)
    }
}

public import FoundationEssentials

/// A UUID (RFC 9562) that names one kind of thing, so that a client's id is never taken for a job's. Written in lower
/// case; read in any case.
public struct Identifier<Kind>: Hashable, Sendable, CustomStringConvertible {
    public let uuid: UUID

    public init(_ uuid: UUID) { self.uuid = uuid }

    /// nil unless `text` is a UUID with its hyphens.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 36, let uuid = UUID(uuidString: String(text)) else { return nil }
        self.uuid = uuid
    }

    /// A new one of version 7: those made later sort behind, to the millisecond.
    public static func make(at time: Timestamp = .now()) -> Self {
        let milliseconds = UInt64(clamping: time.milliseconds)
        var generator = SystemRandomNumberGenerator()
        let (a, b) = (generator.next(), generator.next())
        func byte(_ value: UInt64, _ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: value >> (8 * index)) }
        return Self(
            UUID(
                uuid: (
                    byte(milliseconds, 5), byte(milliseconds, 4), byte(milliseconds, 3), byte(milliseconds, 2),
                    byte(milliseconds, 1), byte(milliseconds, 0), 0x70 | byte(a, 0) & 0x0F, byte(a, 1),
                    0x80 | byte(b, 0) & 0x3F, byte(b, 1), byte(b, 2), byte(b, 3), byte(b, 4), byte(b, 5), byte(b, 6),
                    byte(b, 7)
                )))
    }

    public var description: String { uuid.uuidString.lowercased() }
}

extension Identifier: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "it is not a UUID")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Identifier: Comparable {
    /// The order of their bytes, which is that of their text.
    public static func < (left: Self, right: Self) -> Bool { left.words < right.words }

    private var words: (UInt64, UInt64) {
        withUnsafeBytes(of: uuid.uuid) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }
}

public enum ClientKind {}
public enum JobKind {}
public enum TokenKind {}

/// A workstation's, given to it at its enrolment; in its certificate as `muster:client/<uuid>`.
public typealias ClientID = Identifier<ClientKind>
public typealias JobID = Identifier<JobKind>
public typealias TokenID = Identifier<TokenKind>

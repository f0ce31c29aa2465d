import Glibc

/// Text that belongs to a request: read in place, without a copy, while the request lasts. The compiler keeps it from
/// being stored. `String(text)` makes a copy.
public struct BorrowedText: ~Escapable {
    /// As sent: not necessarily UTF-8.
    public let bytes: Span<UInt8>

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    public var isEmpty: Bool { bytes.isEmpty }

    public static func == (text: borrowing Self, literal: StaticString) -> Bool {
        guard literal.hasPointerRepresentation, text.bytes.count == literal.utf8CodeUnitCount else { return false }
        return text.bytes.withUnsafeBytes { $0.isSame(as: literal.utf8Start) }
    }

    /// Whether it begins with `literal`.
    public func hasPrefix(_ literal: StaticString) -> Bool {
        guard literal.hasPointerRepresentation, bytes.count >= literal.utf8CodeUnitCount else { return false }
        return bytes.withUnsafeBytes {
            UnsafeRawBufferPointer(rebasing: $0.prefix(literal.utf8CodeUnitCount)).isSame(as: literal.utf8Start)
        }
    }

    /// Whether it is `literal` but for the case of ASCII letters, as the names of header fields are compared.
    public func equalsIgnoringCase(_ literal: StaticString) -> Bool {
        guard literal.hasPointerRepresentation, bytes.count == literal.utf8CodeUnitCount else { return false }
        return bytes.withUnsafeBytes { bytes in
            let literal = UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
            return bytes.elementsEqual(literal) { $0.lowerCaseASCII == $1.lowerCaseASCII }
        }
    }

    /// Whether it is exactly these bytes.
    public func equals(_ other: [UInt8]) -> Bool {
        guard bytes.count == other.count else { return false }
        return bytes.withUnsafeBytes { bytes in other.withUnsafeBytes { bytes.isSame(as: $0.baseAddress) } }
    }

    /// Where `byte` first is; nil where it is not.
    public func firstIndex(of byte: UInt8) -> Int? {
        bytes.withUnsafeBytes { $0.position(of: byte) }
    }

    /// The first `count` bytes, or all where there are fewer.
    @_lifetime(copy self)
    public func prefix(_ count: Int) -> BorrowedText {
        BorrowedText(bytes.extracting(first: max(0, count)))
    }

    /// Feeds the bytes to `hasher`.
    public func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension String {
    /// A copy; what is not UTF-8 is replaced.
    public init(_ text: borrowing BorrowedText) {
        self = text.bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

extension Array where Element == UInt8 {
    /// A copy of the bytes.
    public init(_ text: borrowing BorrowedText) {
        self = text.bytes.withUnsafeBytes { Array($0) }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether as many bytes at `other` are the same. The C library's, which look at many bytes at a time.
    func isSame(as other: UnsafeRawPointer?) -> Bool {
        guard let baseAddress, let other else { return isEmpty }
        return memcmp(baseAddress, other, count) == 0
    }

    /// Where `byte` first is.
    func position(of byte: UInt8) -> Int? {
        guard let baseAddress, let found = memchr(baseAddress, CInt(byte), count) else { return nil }
        return UnsafeRawPointer(found) - baseAddress
    }
}

extension UInt8 {
    var lowerCaseASCII: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}

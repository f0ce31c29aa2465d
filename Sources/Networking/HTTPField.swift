/// One header field as two borrowed pieces of memory.
///
/// Its layout — pointer, length, pointer, length — is that of `muster_header` in the plugin ABI, so that an array of the
/// one can be seen as an array of the other without a copy. `HTTPField.matchesHeaderLayout` says whether that holds.
public struct HTTPField {
    public var name: UnsafePointer<UInt8>?
    public var nameLength: Int
    public var value: UnsafePointer<UInt8>?
    public var valueLength: Int

    @inlinable
    public init(name: UnsafePointer<UInt8>?, nameLength: Int, value: UnsafePointer<UInt8>?, valueLength: Int) {
        self.name = name
        self.nameLength = nameLength
        self.value = value
        self.valueLength = valueLength
    }

    @inlinable public var nameBytes: UnsafeBufferPointer<UInt8> {
        .init(start: name, count: name == nil ? 0 : nameLength)
    }
    @inlinable public var valueBytes: UnsafeBufferPointer<UInt8> {
        .init(start: value, count: value == nil ? 0 : valueLength)
    }

    /// Whether the compiler laid the structure out as C lays out `muster_header`.
    public static var matchesHeaderLayout: Bool {
        MemoryLayout<HTTPField>.size == 32 && MemoryLayout<HTTPField>.stride == 32
            && MemoryLayout<HTTPField>.offset(of: \.name) == 0
            && MemoryLayout<HTTPField>.offset(of: \.nameLength) == 8
            && MemoryLayout<HTTPField>.offset(of: \.value) == 16
            && MemoryLayout<HTTPField>.offset(of: \.valueLength) == 24
    }
}

import MusterABI

/// What the operator set an option to, or what a broken host hands over.
public indirect enum Setting: Sendable {
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case duration(Int64)
    case bytes(Int64)
    case path(String)
    case url(String)
    case word(String)
    case address(String)
    case list([Setting])
    /// A value whose type no plugin knows.
    case unknown
    /// A text that is not UTF-8.
    case notUTF8
    /// A list that says it has items and has none.
    case emptyList(claims: Int)
}

/// Memory of tables, texts and values that lives as long as the fake host.
final class TableMemory {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit { for block in blocks { block.deallocate() } }

    func zeroed<Table>(_ type: Table.Type) -> UnsafeMutablePointer<Table> {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Table>.stride, alignment: MemoryLayout<Table>.alignment)
        block.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<Table>.stride)
        blocks.append(block)
        // Every table begins with its size and version.
        block.storeBytes(of: UInt32(MemoryLayout<Table>.stride), as: UInt32.self)
        block.storeBytes(of: UInt16(MUSTER_ABI_MAJOR), toByteOffset: 4, as: UInt16.self)
        return block.assumingMemoryBound(to: Table.self)
    }

    func text(_ text: String) -> muster_string { bytes(Array(text.utf8)) }

    func bytes(_ bytes: [UInt8]) -> muster_string {
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
        block.copyMemory(from: bytes, byteCount: bytes.count)
        blocks.append(block)
        return muster_string(
            data: UnsafeRawPointer(block).assumingMemoryBound(to: CChar.self), length: bytes.count)
    }

    func identity(_ identity: FakeIdentity) -> UnsafePointer<muster_tls_identity> {
        let table = zeroed(muster_tls_identity.self)
        let uris = UnsafeMutablePointer<muster_string>.allocate(capacity: max(1, identity.uris.count))
        uris.initialize(from: identity.uris.map { text($0) }, count: identity.uris.count)
        blocks.append(UnsafeMutableRawPointer(uris))
        table.pointee.subject = text(identity.subject)
        table.pointee.uris = UnsafePointer(uris)
        table.pointee.uri_count = identity.uris.count
        return UnsafePointer(table)
    }

    func value(_ setting: Setting) -> UnsafePointer<muster_value> { array([make(setting)]) }

    private func array(_ values: [muster_value]) -> UnsafePointer<muster_value> {
        let block = UnsafeMutablePointer<muster_value>.allocate(capacity: max(1, values.count))
        block.initialize(from: values, count: values.count)
        blocks.append(UnsafeMutableRawPointer(block))
        return UnsafePointer(block)
    }

    private func make(_ setting: Setting) -> muster_value {
        var value = muster_value()
        func set(_ type: muster_type, _ text: muster_string) {
            value.type = type
            value.as.string = text
        }
        switch setting {
        case .bool(let flag):
            value.type = MUSTER_TYPE_BOOL
            value.as.boolean = flag ? 1 : 0
        case .integer(let number):
            value.type = MUSTER_TYPE_INTEGER
            value.as.integer = number
        case .duration(let number):
            value.type = MUSTER_TYPE_DURATION
            value.as.integer = number
        case .bytes(let number):
            value.type = MUSTER_TYPE_BYTES
            value.as.integer = number
        case .number(let number):
            value.type = MUSTER_TYPE_NUMBER
            value.as.number = number
        case .string(let text): set(MUSTER_TYPE_STRING, self.text(text))
        case .path(let text): set(MUSTER_TYPE_PATH, self.text(text))
        case .url(let text): set(MUSTER_TYPE_URL, self.text(text))
        case .word(let text): set(MUSTER_TYPE_ENUM, self.text(text))
        case .address(let text): set(MUSTER_TYPE_ADDRESS, self.text(text))
        case .list(let items):
            value.type = MUSTER_TYPE_LIST
            value.as.list.items = array(items.map(make))
            value.as.list.count = items.count
        case .unknown: value.type = 4711
        case .notUTF8: set(MUSTER_TYPE_STRING, bytes([0x41, 0xFF, 0xC0]))
        case .emptyList(let claims):
            value.type = MUSTER_TYPE_LIST
            value.as.list.items = nil
            value.as.list.count = claims
        }
        return value
    }
}

extension String {
    public init(_ text: muster_string) {
        self = String(decoding: UnsafeRawBufferPointer(start: text.data, count: text.length), as: UTF8.self)
    }
}

internal import ControlProtocol
internal import MusterABI
internal import PluginManifest

/// `muster_options` of one component: the checked options as C values that stay where they are.
final class OptionsTable: @unchecked Sendable {
    // Safe to share: everything is made in init and only read from then on.
    private let values: [String: UnsafePointer<muster_value>]
    private let arena: ValueArena
    private var storage: TableStorage<muster_options>?

    init(_ options: [String: OptionValue]) {
        let arena = ValueArena()
        values = options.mapValues { arena.keep([arena.value($0)]) }
        self.arena = arena
        var table = muster_options()
        table.struct_size = UInt32(MemoryLayout<muster_options>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        // Unretained: the table ends with this object.
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.find = { context, name in
            guard let context else { return nil }
            return Unmanaged<OptionsTable>.fromOpaque(context).takeUnretainedValue().find(name)
        }
        storage = TableStorage(table)
    }

    /// For prepare; lives as long as this object.
    var pointer: UnsafePointer<muster_options>? { storage?.pointer }

    private func find(_ name: muster_string) -> UnsafePointer<muster_value>? {
        // Names are ASCII: equal strings have equal bytes then.
        guard let name = name.text(limit: ManifestLimits.word), name.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        return values[name]
    }
}

/// The memory behind the values of one component's options.
private final class ValueArena {
    private var texts: [StableText] = []
    private var arrays: [UnsafeMutableBufferPointer<muster_value>] = []

    deinit { for array in arrays { array.deallocate() } }

    /// Puts values where they stay; the address of the first. An empty list has one as well, which is never read.
    func keep(_ values: [muster_value]) -> UnsafePointer<muster_value> {
        let array = UnsafeMutableBufferPointer<muster_value>.allocate(capacity: max(values.count, 1))
        _ = array.initialize(from: values)
        arrays.append(array)
        // allocate(capacity:) of at least 1 has a base address.
        guard let start = array.baseAddress else { preconditionFailure("an allocation has an address") }
        return UnsafePointer(start)
    }

    func value(_ option: OptionValue) -> muster_value {
        var value = muster_value()
        switch option {
        case .bool(let bool):
            value.type = MUSTER_TYPE_BOOL
            value.as.boolean = bool ? 1 : 0
        case .integer(let integer): value = self.integer(integer, MUSTER_TYPE_INTEGER)
        case .duration(let nanoseconds): value = self.integer(nanoseconds, MUSTER_TYPE_DURATION)
        case .bytes(let count): value = self.integer(count, MUSTER_TYPE_BYTES)
        case .number(let number):
            value.type = MUSTER_TYPE_NUMBER
            value.as.number = number
        case .string(let string): value = text(string, MUSTER_TYPE_STRING)
        case .path(let path): value = text(path, MUSTER_TYPE_PATH)
        case .url(let url): value = text(url, MUSTER_TYPE_URL)
        case .enum(let choice): value = text(choice, MUSTER_TYPE_ENUM)
        case .address(let address): value = text(address, MUSTER_TYPE_ADDRESS)
        case .list(let items):
            value.type = MUSTER_TYPE_LIST
            value.as.list.items = keep(items.map(self.value))
            value.as.list.count = items.count
        }
        return value
    }

    private func integer(_ integer: Int64, _ type: muster_type) -> muster_value {
        var value = muster_value()
        value.type = type
        value.as.integer = integer
        return value
    }

    private func text(_ text: String, _ type: muster_type) -> muster_value {
        let stable = StableText(text)
        texts.append(stable)
        var value = muster_value()
        value.type = type
        value.as.string = stable.value
        return value
    }
}

@testable import Worker
import MusterABI

/// A manifest in C's shape that a test may bend before it is read. Everything lives as long as this object.
final class ManifestTables {
    var plugin = muster_plugin()
    var listeners: [muster_listener_spec] = []
    var bus: [muster_bus_spec] = []
    var options: [muster_option] = []
    var extensions: [muster_string] = []
    var capabilities: [muster_string] = []
    var processes: [muster_process_spec] = []
    /// Last change before it is read, with the arrays in place.
    var alter: (inout muster_plugin) -> Void = { _ in }
    private var texts: [StableText] = []

    /// A manifest without a fault.
    init() {
        plugin.struct_size = UInt32(MemoryLayout<muster_plugin>.size)
        plugin.abi_major = UInt16(MUSTER_ABI_MAJOR)
        plugin.id = text("org.example.test")
        plugin.name = text("Test")
        plugin.version = text("1.2.3")
        plugin.summary = text("For tests.")
        plugin.licence = text("MIT")
        plugin.create = { _, _, _, _ in MUSTER_FAILED }
    }

    func text(_ string: String) -> muster_string {
        let text = StableText(string)
        texts.append(text)
        return text.value
    }

    func listener(_ name: String, port: UInt32 = 50_000) -> muster_listener_spec {
        var listener = muster_listener_spec()
        listener.struct_size = UInt32(MemoryLayout<muster_listener_spec>.size)
        listener.name = text(name)
        listener.transport = MUSTER_TRANSPORT_HTTP
        listener.port = port
        return listener
    }

    func option(_ name: String, _ type: muster_type = MUSTER_TYPE_STRING) -> muster_option {
        var option = muster_option()
        option.struct_size = UInt32(MemoryLayout<muster_option>.size)
        option.name = text(name)
        option.type = type
        option.help = text("What it does.")
        return option
    }

    func busSpecification(_ name: String, _ role: muster_bus_role = MUSTER_BUS_SERVES) -> muster_bus_spec {
        var specification = muster_bus_spec()
        specification.struct_size = UInt32(MemoryLayout<muster_bus_spec>.size)
        specification.role = role
        specification.name = text(name)
        return specification
    }

    func process(_ name: String, _ program: String = "muster-sweeper") -> muster_process_spec {
        var process = muster_process_spec()
        process.struct_size = UInt32(MemoryLayout<muster_process_spec>.size)
        process.name = text(name)
        process.program = text(program)
        process.help = text("What it does.")
        return process
    }

    /// Reads it as the worker does.
    func read(
        offering extensions: [String] = HostExtensions.all, absence: @escaping (String) -> String? = { _ in nil }
    ) throws(PluginProblem) -> ManifestReader.Reading {
        let listeners = self.listeners.map(TableStorage.init)
        let bus = self.bus.map(TableStorage.init)
        let options = self.options.map(TableStorage.init)
        let listenerPointers = ArrayStorage(listeners.map { Optional($0.pointer) })
        let busPointers = ArrayStorage(bus.map { Optional($0.pointer) })
        let optionPointers = ArrayStorage(options.map { Optional($0.pointer) })
        let processes = self.processes.map(TableStorage.init)
        let processPointers = ArrayStorage(processes.map { Optional($0.pointer) })
        let extensionArray = ArrayStorage(self.extensions)
        let capabilityArray = ArrayStorage(capabilities)
        plugin.listeners = listenerPointers.pointer
        plugin.listener_count = listeners.count
        plugin.bus = busPointers.pointer
        plugin.bus_count = bus.count
        plugin.options = optionPointers.pointer
        plugin.option_count = options.count
        plugin.required_extensions = extensionArray.pointer
        plugin.required_extension_count = self.extensions.count
        plugin.required_capabilities = capabilityArray.pointer
        plugin.required_capability_count = capabilities.count
        plugin.processes = processPointers.pointer
        plugin.process_count = processes.count
        alter(&plugin)
        defer {
            withExtendedLifetime((listeners, bus, options, processes, processPointers)) {}
            withExtendedLifetime((listenerPointers, busPointers, optionPointers, extensionArray, capabilityArray)) {}
        }
        var reader = ManifestReader()
        reader.offeredExtensions = extensions
        reader.absence = absence
        let table = TableStorage(plugin)
        return try reader.read(table.pointer)
    }
}

/// An array at an address that stays.
final class ArrayStorage<Element> {
    private let memory: UnsafeMutableBufferPointer<Element>

    init(_ elements: [Element]) {
        memory = .allocate(capacity: elements.count)
        _ = memory.initialize(from: elements)
    }

    deinit { memory.deallocate() }

    var pointer: UnsafePointer<Element>? { UnsafePointer(memory.baseAddress) }
}

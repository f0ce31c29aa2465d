import MusterABI

/// Lays out a manifest in memory that is never freed, as the ABI asks of a constant.
enum ManifestMemory {
    static func manifest<P: Plugin>(of plugin: P.Type) -> UnsafePointer<muster_plugin> {
        let description = plugin.description
        var manifest = muster_plugin.sized()
        manifest.context = Unmanaged.passRetained(ComponentFactory<P>()).toOpaque()
        manifest.id = text(description.id)
        manifest.name = text(description.name)
        manifest.version = text(description.version)
        manifest.summary = text(description.summary)
        manifest.vendor = text(description.vendor)
        manifest.licence = text(description.licence)
        manifest.url = text(description.url)
        (manifest.required_extensions, manifest.required_extension_count) = array(
            requiredExtensions(of: description).map(text))
        (manifest.listeners, manifest.listener_count) = array(description.listeners.map { place(listener($0)) })
        (manifest.bus, manifest.bus_count) = array(description.bus.map { place(busSpec($0)) })
        (manifest.options, manifest.option_count) = array(
            OptionTable(P.Options()).entries.map { place(option($0.name, $0.option.declaration)) })
        (manifest.required_capabilities, manifest.required_capability_count) = array(
            description.capabilities.map(text))
        (manifest.processes, manifest.process_count) = array(description.helpers.map { place(process($0)) })
        manifest.create = { context, host, component, error in
            createComponent(context, host, component, error)
        }
        return UnsafePointer(place(manifest))
    }

    private static func requiredExtensions(of description: PluginDescription) -> [String] {
        var ids: [String] = []
        let implied = description.listeners.map { $0.transport == .raw ? HostExtension.listener : .httpServer }
        let bus: [HostExtension] = description.bus.isEmpty ? [] : [.bus]
        let process: [HostExtension] = description.helpers.isEmpty ? [] : [.process]
        for needed in implied + bus + process + description.requires where !ids.contains(needed.id) {
            ids.append(needed.id)
        }
        return ids
    }

    private static func listener(_ listener: Listener) -> muster_listener_spec {
        var spec = muster_listener_spec.sized()
        spec.name = text(listener.name)
        spec.transport = listener.transport.rawValue
        spec.client_certificate = listener.clientCertificate.rawValue
        spec.port = UInt32(listener.port)
        spec.help = text(listener.help)
        return spec
    }

    private static func busSpec(_ use: BusUse) -> muster_bus_spec {
        var spec = muster_bus_spec.sized()
        spec.role = use.role.rawValue
        spec.name = text(use.name)
        spec.help = text(use.help)
        return spec
    }

    private static func process(_ helper: HelperProgram) -> muster_process_spec {
        var spec = muster_process_spec.sized()
        spec.name = text(helper.name)
        spec.program = text(helper.program)
        spec.flags = helper.needs.rawValue
        (spec.capabilities, spec.capability_count) = array(helper.capabilities.map(text))
        spec.help = text(helper.help)
        return spec
    }

    private static func option(_ name: String, _ declaration: OptionDeclaration) -> muster_option {
        var option = muster_option.sized()
        option.name = text(name)
        option.type = declaration.type.kind.rawValue
        option.item_type = declaration.type.item?.rawValue ?? 0
        option.flags =
            (declaration.isRequired ? MUSTER_OPTION_REQUIRED : 0) | (declaration.isSecret ? MUSTER_OPTION_SECRET : 0)
        option.default_value = text(declaration.defaultText ?? "")
        option.minimum = text(declaration.minimum ?? "")
        option.maximum = text(declaration.maximum ?? "")
        option.unit = text(declaration.unit)
        option.help = text(declaration.help)
        (option.choices, option.choice_count) = array(declaration.type.choices.map(text))
        return option
    }

    private static func text(_ text: String) -> muster_string {
        guard !text.isEmpty else { return muster_string(data: nil, length: 0) }
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        let start = UnsafeRawPointer(UnsafePointer(bytes.baseAddress))?.assumingMemoryBound(to: CChar.self)
        return muster_string(data: start, length: bytes.count)
    }

    private static func place<Value>(_ value: Value) -> UnsafePointer<Value> {
        let memory = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        memory.initialize(to: value)
        return UnsafePointer(memory)
    }

    /// The elements in a row; NULL for none. Of pointers, the ABI's arrays hold nullable ones.
    private static func array<Element>(_ elements: [Element]) -> (UnsafePointer<Element>?, Int) {
        guard !elements.isEmpty else { return (nil, 0) }
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = memory.initialize(from: elements)
        return (UnsafePointer(memory.baseAddress), elements.count)
    }

    private static func array<Pointee>(
        _ pointers: [UnsafePointer<Pointee>]
    ) -> (UnsafePointer<UnsafePointer<Pointee>?>?, Int) {
        array(pointers.map(Swift.Optional.some))
    }
}

public import PluginManifest

/// The JSON Schema of `config.yaml`, for editors: they complete keys, show help and mark mistakes while one types.
///
/// It accepts everything that the reader accepts of enabled components; it cannot refuse all that the reader refuses,
/// such as two components on one port.
public enum ConfigurationSchema {
    /// JSON Schema, draft 2020-12, with the options and listeners of `manifests` by component name. The same input gives
    /// the same text, without a final line break.
    public static func json(manifests: [(component: String, manifest: Manifest)]) -> String {
        let known = manifests.map { ($0.component, component($0.manifest)) }
        let schema = JSONText.object([
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("title", .string("Configuration of a Muster host")),
            ("type", .string("object")),
            (
                "properties",
                .object([
                    ("host", OptionSchema.group(HostKeys.group, description: "The host itself.")),
                    (
                        "components",
                        .object([
                            ("description", .string("What runs, by component name.")),
                            ("type", OptionSchema.objectOrNothing),
                            ("properties", .object(known)),
                            ("additionalProperties", component(nil)),
                            ("propertyNames", .object([("pattern", .string("^[A-Za-z][A-Za-z0-9_-]{0,63}$"))])),
                        ])
                    ),
                ])
            ),
            ("required", .strings(["components"])),
            ("additionalProperties", .bool(false)),
        ])
        return schema.render()
    }

    /// An entry of `components`; nil: of a plugin that is not known.
    private static func component(_ manifest: Manifest?) -> JSONText {
        var members: [(String, JSONText)] = []
        if let manifest { members.append(("description", .string(manifest.summary))) }
        members.append(("type", OptionSchema.objectOrNothing))
        var properties = ComponentKeys.group.names.compactMap { name -> (String, JSONText)? in
            switch ComponentKeys.group.members[name] {
            case .option(let declaration): (name, OptionSchema.option(declaration))
            case .group(let group): (name, OptionSchema.group(group, description: nil))
            case .section, nil: nil
            }
        }
        for (name, help) in ComponentKeys.sections {
            let schema: JSONText
            if name == "bus" {
                schema = bus(manifest, help)
            } else if let manifest {
                schema = name == "listen" ? listen(manifest, help) : options(manifest, help)
            } else {
                schema = .object([("description", .string(help)), ("type", OptionSchema.objectOrNothing)])
            }
            properties.append((name, schema))
        }
        members.append(("properties", .object(properties)))
        members.append(("additionalProperties", .bool(false)))
        return .object(members)
    }

    private static func options(_ manifest: Manifest, _ help: String) -> JSONText {
        var conflicts: [String] = []
        return OptionSchema.group(OptionGroup(manifest.options, conflicts: &conflicts), description: help)
    }

    /// Of a plugin that is not known, any names go.
    private static func bus(_ manifest: Manifest?, _ help: String) -> JSONText {
        let anyName = JSONText.object([("type", .string("string"))])
        let names = manifest.map { manifest in
            JSONText.object([("enum", .strings(Set(manifest.bus.map(\.name)).sorted()))])
        }
        func list(_ items: JSONText) -> [(String, JSONText)] { [("type", .string("array")), ("items", items)] }
        let services = (manifest?.bus ?? []).filter { $0.role == .serves }
        var callers: [(String, JSONText)] = [
            ("description", .string(BusKeys.callersHelp)), ("type", OptionSchema.objectOrNothing),
        ]
        callers.append(
            (
                "properties",
                .object(services.map { ($0.name, .object([("description", .string($0.help))] + list(anyName))) })
            ))
        callers.append(("additionalProperties", manifest == nil ? .object(list(anyName)) : .bool(false)))
        return .object([
            ("description", .string(help)),
            ("type", OptionSchema.objectOrNothing),
            (
                "properties",
                .object([
                    ("deny", .object([("description", .string(BusKeys.deny.help))] + list(names ?? anyName))),
                    ("callers", .object(callers)),
                ])
            ),
            ("additionalProperties", .bool(false)),
        ])
    }

    private static func listen(_ manifest: Manifest, _ help: String) -> JSONText {
        let properties = manifest.listeners.map { ($0.name, listener($0)) }
        return .object([
            ("description", .string(help)),
            ("type", OptionSchema.objectOrNothing),
            ("properties", .object(properties)),
            ("additionalProperties", .bool(false)),
        ])
    }

    private static func listener(_ declaration: ListenerDeclaration) -> JSONText {
        let (transport, port) = (declaration.transport, declaration.port)
        return listener(
            help: "\(declaration.help) \(transport.rawValue), port \(port) unless set here.", transport: transport)
    }

    /// One address, several, or a mapping with limits.
    static func listener(help: String, transport: Transport = .http) -> JSONText {
        let isRaw = transport == .raw
        var properties = [("address", addresses)]
        for key in ListenerKeys.all {
            let name = key.declaration.name
            if isRaw, ListenerKeys.httpNames.contains(name) { continue }
            if name == "client_certificate", transport != .https { continue }
            properties.append((name, OptionSchema.option(key.declaration)))
        }
        let settings = JSONText.object([
            ("type", .string("object")), ("properties", .object(properties)), ("additionalProperties", .bool(false)),
        ])
        return .object([
            ("description", .string(help)),
            ("anyOf", .array([address, list(of: address), settings])),
        ])
    }

    /// Checked only roughly: the reader says exactly what is wrong with an address.
    private static let address = JSONText.object([
        ("type", .strings(["string", "integer"])), ("minimum", .integer(0)), ("maximum", .integer(65535)),
        ("examples", .strings(["127.0.0.1:8080", "[::1]:8080", "*:8080"])),
    ])

    private static let addresses = JSONText.object([
        ("description", .string("One address or a list of them.")),
        ("anyOf", .array([address, list(of: address)])),
    ])

    private static func list(of item: JSONText) -> JSONText {
        .object([
            ("type", .string("array")), ("items", item), ("minItems", .integer(1)),
            ("maxItems", .integer(Int64(ListenerKeys.addressLimit))),
        ])
    }
}

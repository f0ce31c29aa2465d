internal import MusterABI
internal import PluginManifest

extension ManifestReader {
    func listeners(_ table: muster_plugin) throws(PluginProblem) -> [ListenerDeclaration] {
        let path = "listeners"
        var listeners: [ListenerDeclaration] = []
        let specifications = try structures(
            table.listeners, table.listener_count, path, limit: ManifestLimits.listeners,
            size: Int(MUSTER_LISTENER_SPEC_SIZE_1_0))
        for (index, specification) in specifications.enumerated() {
            let listener = try self.listener(specification, FieldReader(path: "\(path)[\(index)]"))
            if listeners.contains(where: { $0.name == listener.name }) {
                throw PluginProblem("the manifest's \(path) has two called '\(listener.name)'")
            }
            if let other = listeners.first(where: { $0.port == listener.port }) {
                throw PluginProblem(
                    "the manifest's listeners '\(other.name)' and '\(listener.name)' both have the port \(listener.port)"
                )
            }
            listeners.append(listener)
        }
        return listeners
    }

    private func listener(
        _ specification: muster_listener_spec, _ fields: FieldReader
    ) throws(PluginProblem) -> ListenerDeclaration {
        let name = try fields.word(specification.name, "name", as: "lower-case words joined by _") {
            ManifestPatterns.isName($0)
        }
        let transport: Transport
        switch specification.transport {
        case MUSTER_TRANSPORT_HTTP: transport = .http
        case MUSTER_TRANSPORT_HTTPS: transport = .https
        case MUSTER_TRANSPORT_RAW: transport = .raw
        default:
            throw fields.problem("transport", "is \(specification.transport): use a MUSTER_TRANSPORT_ constant")
        }
        let certificate: ClientCertificatePolicy
        switch specification.client_certificate {
        case MUSTER_CLIENT_CERTIFICATE_NONE: certificate = .none
        case MUSTER_CLIENT_CERTIFICATE_OPTIONAL: certificate = .optional
        case MUSTER_CLIENT_CERTIFICATE_REQUIRED: certificate = .required
        default:
            throw fields.problem(
                "client_certificate",
                "is \(specification.client_certificate): use a MUSTER_CLIENT_CERTIFICATE_ constant")
        }
        guard certificate == .none || transport == .https else {
            throw fields.problem("client_certificate", "asks for certificates, which only MUSTER_TRANSPORT_HTTPS has")
        }
        guard let port = UInt16(exactly: specification.port), port > 0 else {
            throw fields.problem("port", "is \(specification.port): a TCP port is 1 to 65535")
        }
        return ListenerDeclaration(
            name: name, transport: transport, clientCertificate: certificate, port: port,
            help: try fields.line(specification.help, "help"))
    }

    func bus(_ table: muster_plugin) throws(PluginProblem) -> [BusDeclaration] {
        let path = "bus"
        var declarations: [BusDeclaration] = []
        let specifications = try structures(
            table.bus, table.bus_count, path, limit: ManifestLimits.busDeclarations, size: Int(MUSTER_BUS_SPEC_SIZE_1_0)
        )
        for (index, specification) in specifications.enumerated() {
            let fields = FieldReader(path: "\(path)[\(index)]")
            let role: BusDeclaration.Role
            switch specification.role {
            case MUSTER_BUS_SERVES: role = .serves
            case MUSTER_BUS_CALLS: role = .calls
            case MUSTER_BUS_PUBLISHES: role = .publishes
            case MUSTER_BUS_SUBSCRIBES: role = .subscribes
            default: throw fields.problem("role", "is \(specification.role): use MUSTER_BUS_SERVES and the like")
            }
            let name = try fields.word(specification.name, "name", as: "lower-case names joined by dots") {
                ManifestPatterns.isDottedName($0)
            }
            guard !name.hasPrefix("host.") || role == .calls || role == .subscribes else {
                throw PluginProblem(
                    "the manifest's \(path) says that it \(role.rawValue) '\(name)': names that begin with 'host.' are the "
                        + "host's own")
            }
            guard !declarations.contains(where: { $0.role == role && $0.name == name }) else {
                throw PluginProblem("the manifest's \(path) says twice that it \(role.rawValue) '\(name)'")
            }
            declarations.append(
                BusDeclaration(role: role, name: name, help: try fields.line(specification.help, "help")))
        }
        return declarations
    }
}

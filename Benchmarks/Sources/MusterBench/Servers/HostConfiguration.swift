/// What `config.yaml` of a measured host says.
struct HostConfiguration {
    struct Component {
        var name: String
        /// The manifest's only listener.
        var listener: String
        var port: UInt16
        /// Keys of `config`, with values as YAML.
        var options: [(name: String, value: String)] = []
        /// Further keys of the listener, with values as YAML.
        var limits: [(name: String, value: String)] = []
        /// What is asked for, and what answers it; nil: what the first answer says.
        var path: String
        var body: [UInt8]?
        var isTLS = false

        var endpoint: Endpoint { Endpoint(port: port) }
    }

    var components: [Component]
    var pluginDirectory: String?
    /// nil: the host's default, one a core.
    var loops: Int?
    /// Keys of `host.supervision`, with values as YAML.
    var supervision: [(name: String, value: String)] = []
    /// What https listeners show.
    var identity: TLSFiles?

    func yaml(folder: String) -> String {
        var text = """
            host:
              data_dir: "\(folder)/data"
              control: "\(folder)/control.sock"
              log: {level: warning}

            """
        if let pluginDirectory { text += "  plugin_dirs: [\"\(pluginDirectory)\"]\n" }
        if let loops { text += "  loops: \(loops)\n" }
        if let identity {
            text += "  identity: {certificate: \"\(identity.certificate)\", private_key: \"\(identity.privateKey)\"}\n"
        }
        if !supervision.isEmpty { text += "  supervision: \(Self.mapping(supervision))\n" }
        text += "components:\n"
        for component in components {
            let listen = [("address", "\"\(component.endpoint)\"")] + component.limits.map { ($0.name, $0.value) }
            text += """
                  \(component.name):
                    listen: {\(component.listener): \(Self.mapping(listen.map { (name: $0.0, value: $0.1) }))}
                    config: \(Self.mapping(component.options))

                """
        }
        return text
    }

    private static func mapping(_ entries: [(name: String, value: String)]) -> String {
        "{" + entries.map { "\($0.name): \($0.value)" }.joined(separator: ", ") + "}"
    }
}

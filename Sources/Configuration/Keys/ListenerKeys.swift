internal import PluginManifest

/// Every key of a listener's settings in `components.<Name>.listen`, beside `address`.
enum ListenerKeys {
    /// The connections of a listener where the operator says nothing.
    static let maxConnections = "16384"
    /// Addresses of one listener.
    static let addressLimit = 64

    static let all: [SettingKey<ResolvedListener>] = general + tls + http

    private static let general: [SettingKey<ResolvedListener>] = [
        SettingKey(
            "max_connections", .integer, default: maxConnections, from: "1", to: "1000000", unit: "connections",
            help: "Connections at one time; beyond it new ones wait in the backlog."
        ) { $0.maxConnections = Int($1.integer) }
    ]

    /// What only an https listener has.
    private static let tls: [SettingKey<ResolvedListener>] = [
        SettingKey(
            "client_certificate", .enum, defaultNote: "the plugin's",
            choices: ClientCertificatePolicy.allCases.map(\.rawValue),
            help: "Whether clients show a certificate; it may only be made stricter than the plugin has it."
        ) { $0.clientCertificate = ClientCertificatePolicy(rawValue: $1.text) ?? $0.clientCertificate },
        SettingKey(
            "allowed_clients", .list, of: .string, defaultNote: "all", to: "64",
            help: "URIs of which a client's certificate must have one, `muster:distributor/*`; others get 403."
        ) { $0.allowedClients = $1.list },
        SettingKey(
            "certificate", .path, defaultNote: "`host.identity.certificate`",
            help: "PEM file of the certificate that this listener shows instead of the host's."
        ) { $0.certificate = $1.located },
        SettingKey(
            "private_key", .path, defaultNote: "`host.identity.private_key`",
            help: "PEM file of that certificate's private key."
        ) { $0.privateKey = $1.located },
    ]

    /// Limits of HTTP, which a raw listener does not have. Without a value the plugin's holds, else the host's.
    private static let http: [SettingKey<ResolvedListener>] = [
        SettingKey(
            "head_bytes", .bytes, defaultNote: "the plugin's, else 16KiB", from: "256", to: "1MiB",
            help: "Size of a request's line and header fields: 414 or 431 beyond it."
        ) { $0.headBytes = Int($1.integer) },
        SettingKey(
            "header_count", .integer, defaultNote: "the plugin's, else 100", from: "1", to: "10000", unit: "fields",
            help: "Header fields of a request: 431 beyond it."
        ) { $0.headerCount = Int($1.integer) },
        SettingKey(
            "body_bytes", .bytes, defaultNote: "the plugin's, else 1MiB", from: "1", to: "1TiB",
            help: "Size of a request's body: 413 beyond it."
        ) { $0.bodyBytes = $1.integer },
        SettingKey(
            "idle_timeout", .duration, defaultNote: "the plugin's, else 60s", from: "100ms", to: "1d",
            help: "How long a connection may be idle between requests."
        ) { $0.idleTimeout = $1.integer },
        SettingKey(
            "head_timeout", .duration, defaultNote: "the plugin's, else 10s", from: "100ms", to: "1d",
            help: "How long a request's head may take to arrive: 408 beyond it."
        ) { $0.headTimeout = $1.integer },
        SettingKey(
            "stall_timeout", .duration, defaultNote: "the plugin's, else 30s", from: "100ms", to: "1d",
            help: "How long a body or an answer may make no progress."
        ) { $0.stallTimeout = $1.integer },
        SettingKey(
            "answer_timeout", .duration, defaultNote: "the plugin's, else 60s", from: "100ms", to: "1d",
            help: "How long the plugin may take to begin its answer: 503 beyond it."
        ) { $0.answerTimeout = $1.integer },
    ]

    static let tlsNames = tls.map(\.declaration.name)

    static let httpNames = http.map(\.declaration.name)

    static let group: OptionGroup = {
        var group = OptionGroup()
        _ = group.insert(.section(help: "One address or a list of them."), at: "address")
        for key in all { _ = group.insert(.option(key.declaration), at: key.declaration.name) }
        return group
    }()
}

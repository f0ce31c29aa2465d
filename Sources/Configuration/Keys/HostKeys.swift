internal import PluginManifest

/// Every key of the section `host`, once: the reader, the manual and the JSON Schema are made from this table.
enum HostKeys {
    static let all: [SettingKey<HostSettings>] = general + identity + supervision

    private static let general: [SettingKey<HostSettings>] = [
        SettingKey(
            "data_dir", .path, default: "/var/lib/muster",
            help: "Folder for what the host keeps; each component gets a folder of its own below it."
        ) { $0.dataDirectory = $1.located },
        SettingKey(
            "plugin_dirs", .list, of: .path, default: "[/usr/lib/muster/plugins]",
            help: "Folders where plugins are looked for after the folder of the executable, in this order."
        ) { $0.pluginDirectories = $1.list },
        SettingKey(
            "isolation", .enum, default: "process", choices: HostSettings.Isolation.allCases.map(\.rawValue),
            help: "A process for each component, or one shared by all, which is for debuggers and sanitizers only."
        ) { $0.isolation = HostSettings.Isolation(rawValue: $1.text) ?? .process },
        SettingKey(
            "debug", .bool, default: "false", help: "Allows core dumps and backtraces of workers."
        ) { $0.isDebugging = $1.bool },
        SettingKey(
            "log.level", .enum, default: "info",
            choices: ["trace", "debug", "info", "notice", "warning", "error", "critical"],
            help: "The least important messages that are logged."
        ) { $0.logLevel = $1.text },
        SettingKey(
            "log.format", .enum, default: "text", choices: HostSettings.LogFormat.allCases.map(\.rawValue),
            help: "Lines for people, or JSON objects for machines."
        ) { $0.logFormat = HostSettings.LogFormat(rawValue: $1.text) ?? .text },
        SettingKey(
            "control", .path, default: "/run/muster/control.sock", to: "107",
            help: "The socket that `muster status` and `muster reload` talk to."
        ) { $0.controlPath = $1.located },
        SettingKey(
            "user", .string, defaultNote: "`muster`, or `nobody`", from: "1", to: "32",
            help: "User that workers run as where the host is started as root: a name or a number."
        ) { $0.user = $1.located },
        SettingKey(
            "group", .string, defaultNote: "the user's", from: "1", to: "32",
            help: "Group that workers run as where the host is started as root: a name or a number."
        ) { $0.group = $1.located },
        SettingKey(
            "loops", .integer, default: "0", from: "0", to: "1024",
            help: "Event loops in each worker; 0 means one for each processor core."
        ) { $0.loopCount = Int($1.integer) },
    ]

    private static let identity: [SettingKey<HostSettings>] = [
        SettingKey(
            "identity.certificate", .path, defaultNote: "one that the host makes",
            help:
                "PEM file of the certificate that https listeners show, followed by those between it and its authority."
        ) { $0.identity.certificate = $1.located },
        SettingKey(
            "identity.private_key", .path, defaultNote: "one that the host makes",
            help: "PEM file of the certificate's private key, unencrypted; nobody else may read it."
        ) { $0.identity.privateKey = $1.located },
        SettingKey(
            "identity.authority", .path, defaultNote: "the one that the host makes",
            help: "PEM file of the authorities by which certificates of clients are verified."
        ) { $0.identity.authority = $1.located },
    ]

    private static let supervision: [SettingKey<HostSettings>] = [
        SettingKey(
            "supervision.restart_limit", .integer, default: "5", from: "0", to: "1000000", unit: "restarts",
            help: "How often a worker that died is restarted at once within restart_window; then it waits."
        ) { $0.supervision.restartLimit = Int($1.integer) },
        SettingKey(
            "supervision.restart_window", .duration, default: "30s", from: "1s", to: "1d",
            help: "The time in which restarts are counted."
        ) { $0.supervision.restartWindow = $1.integer },
        SettingKey(
            "supervision.first_pause", .duration, default: "1s", from: "1ms", to: "1h",
            help: "The wait before a restart beyond the limit; it doubles each time."
        ) { $0.supervision.firstPause = $1.integer },
        SettingKey(
            "supervision.last_pause", .duration, default: "30s", from: "1ms", to: "1d",
            help: "The longest wait before a restart."
        ) { $0.supervision.lastPause = $1.integer },
        SettingKey(
            "supervision.stable_after", .duration, default: "60s", from: "1ms", to: "1d",
            help: "A worker that ran this long starts with no restarts counted."
        ) { $0.supervision.stableAfter = $1.integer },
        SettingKey(
            "supervision.step_timeout", .duration, default: "10s", from: "100ms", to: "1h",
            help: "How long a worker may take for each step of its start."
        ) { $0.supervision.stepTimeout = $1.integer },
        SettingKey(
            "supervision.watchdog", .duration, default: "10s", from: "2s", to: "1h",
            help: "How long an event loop may be silent before its worker is ended."
        ) { $0.supervision.watchdog = $1.integer },
        SettingKey(
            "supervision.probation", .duration, default: "30s", from: "0s", to: "1h",
            help: "How long after a reload a worker that keeps dying rolls the reload back."
        ) { $0.supervision.probation = $1.integer },
        SettingKey(
            "supervision.quiesce_timeout", .duration, default: "2s", from: "0s", to: "1m",
            help: "How long the old worker may finish short requests before the new one takes over."
        ) { $0.supervision.quiesceTimeout = $1.integer },
        SettingKey(
            "supervision.drain_timeout", .duration, default: "30s", from: "0s", to: "1d",
            help: "How long an old worker may finish what is under way before it is ended."
        ) { $0.supervision.drainTimeout = $1.integer },
    ]

    /// What is read by other means: where components of the host's own listen.
    static let listeners = BuiltInComponent.allCases.map { component in
        (
            name: "\(component.name).listen", defaultNote: "`127.0.0.1:\(component.listener.port)`",
            help: "Where the metrics are served at /metrics for Prometheus; without `metrics` they are not served."
        )
    }

    static let group: OptionGroup = {
        var group = OptionGroup()
        for key in all { _ = group.insert(.option(key.declaration), at: key.declaration.name) }
        for listener in listeners { _ = group.insert(.section(help: listener.help), at: listener.name) }
        return group
    }()
}

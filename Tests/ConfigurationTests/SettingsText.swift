import PluginManifest

@testable import Configuration

/// Settings as text, for comparing. Secrets are shown: they are the tests' own.
enum SettingsText {
    static func of(_ settings: Settings, _ resolved: [(ComponentSettings, ResolvedComponent)]) -> String {
        var lines = of(settings.host)
        for component in settings.components {
            lines.append("\(component.name) at \(component.location.line):\(component.location.column)")
            if !component.isEnabled { lines.append("  disabled") }
            if let path = component.pluginPath { lines.append("  plugin \(path.value)") }
            for grant in component.grantedCapabilities { lines.append("  grant \(grant.value)") }
            for grant in component.helperCapabilities { lines.append("  grant to helpers \(grant.value)") }
            for seal in component.helpersMayLack { lines.append("  helpers without \(seal.value)") }
            guard let result = resolved.first(where: { $0.0.name == component.name })?.1 else { continue }
            lines += result.listeners.map(of)
            lines += of(result.bus)
            lines += result.options.sorted { $0.key < $1.key }.map { "  \($0.key) = \(of($0.value))" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func of(_ host: HostSettings) -> [String] {
        let limits = host.supervision
        let own = host.builtIns.flatMap { [$0.component.name + " at host"] + $0.resolved.listeners.map(of) }
        let identity = [host.identity.certificate, host.identity.privateKey, host.identity.authority].map(path)
        return [
            "data \(host.dataDirectory.value)",
            "plugins \(host.pluginDirectories.map(\.value))",
            "isolation \(host.isolation), debug \(host.isDebugging), log \(host.logLevel) \(host.logFormat)",
            "control \(host.controlPath.value)",
            "user \(host.user?.value ?? "-"), group \(host.group?.value ?? "-"), loops \(host.loopCount)",
            "identity \(identity.joined(separator: ", "))",
            "restarts \(limits.restartLimit) in \(limits.restartWindow), pauses \(limits.firstPause) to "
                + "\(limits.lastPause), stable after \(limits.stableAfter)",
            "step \(limits.stepTimeout), watchdog \(limits.watchdog), probation \(limits.probation), "
                + "quiesce \(limits.quiesceTimeout), drain \(limits.drainTimeout)",
        ] + own
    }

    private static func path(_ path: Located<String>?) -> String { path?.value ?? "-" }

    private static func of(_ listener: ResolvedListener) -> String {
        var line = "  listens as \(listener.name) on \(listener.addresses.map(\.description)), \(listener.transport)"
        line += ", client certificate \(listener.clientCertificate), connections \(listener.maxConnections)"
        if !listener.allowedClients.isEmpty { line += ", for \(listener.allowedClients.map(\.value))" }
        if let certificate = listener.certificate { line += ", shows \(certificate.value)" }
        if let key = listener.privateKey { line += ", with \(key.value)" }
        let limits: [(String, Int64?)] = [
            ("head", listener.headBytes.map(Int64.init)), ("fields", listener.headerCount.map(Int64.init)),
            ("body", listener.bodyBytes), ("idle", listener.idleTimeout), ("head within", listener.headTimeout),
            ("stall", listener.stallTimeout), ("answer within", listener.answerTimeout),
        ]
        for case (let name, let value?) in limits { line += ", \(name) \(value)" }
        return line
    }

    private static func of(_ bus: ResolvedBus) -> [String] {
        let denied = bus.denied.map { "  denied \($0)" }
        return denied + bus.callers.sorted { $0.key < $1.key }.map { "  \($0.key) may be called by \($0.value)" }
    }

    private static func of(_ value: OptionValue) -> String {
        switch value {
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .duration(let value): "\(value) ns"
        case .bytes(let value): "\(value) bytes"
        case .string(let text): "text \"\(text)\""
        case .path(let text): "path \(text)"
        case .url(let text): "url \(text)"
        case .enum(let text): "word \(text)"
        case .address(let text): "address \(text)"
        case .list(let items): "[\(items.map(of).joined(separator: ", "))]"
        }
    }
}

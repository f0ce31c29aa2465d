extension ConfigurationReader {
    /// Listeners, of one component or of two, that cannot have their addresses at the same time, and services that two
    /// components serve. Each is told at the later one, with the place of the earlier one. Port 0 never conflicts.
    public static func conflicts(_ resolved: [(ComponentSettings, ResolvedComponent)]) -> [Diagnostic] {
        var ports: [UInt16: TakenPort] = [:]
        var servers: [String: ComponentSettings] = [:]
        var diagnostics: [Diagnostic] = []
        for (component, settings) in resolved {
            for service in settings.bus.services {
                if let first = servers[service] {
                    diagnostics.append(diagnostic(service, servedBy: component, and: first))
                } else {
                    servers[service] = component
                }
            }
            for listener in settings.listeners {
                for address in listener.addresses where address.port != 0 {
                    let claim = Claim(component: component, listener: listener.name, address: address)
                    if let holder = ports[address.port, default: TakenPort()].take(claim) {
                        diagnostics.append(diagnostic(claim, takenBy: holder))
                    }
                }
            }
        }
        return diagnostics
    }

    private static func diagnostic(
        _ service: String, servedBy component: ComponentSettings, and first: ComponentSettings
    ) -> Diagnostic {
        let names = "\(first.name) and \(component.name)"
        var diagnostic = component.source.diagnostic(
            "\(names) both serve '\(service)' on the bus, and a service has one server; enable one of them, or take the "
                + "service from the other with 'bus: {deny: [\(service)]}'",
            at: component.span, hiding: component.hiddenSpans(besides: []))
        diagnostic.notes = [
            first.source.diagnostic(
                "\(first.name) serves it", at: first.span, hiding: first.hiddenSpans(besides: []))
        ]
        return diagnostic
    }

    private static func diagnostic(_ claim: Claim, takenBy holder: Claim) -> Diagnostic {
        let isOwn = claim.component.name == holder.component.name
        let owner = isOwn && claim.listener == holder.listener ? "the same listener" : "\(holder.name)"
        let how =
            claim.address == holder.address
            ? "already belongs to \(owner)"
            : "overlaps with \(holder.address), which belongs to \(owner)"
        let place = holder.location.map { " (line \($0.line))" } ?? ""
        var diagnostic = claim.diagnostic(
            "\(claim.name) cannot listen on \(claim.address): it \(how)\(place); give one of them another port")
        diagnostic.notes = [holder.diagnostic("\(holder.name) listens on \(holder.address)")]
        return diagnostic
    }
}

/// One listener's wish for one address.
private struct Claim {
    var component: ComponentSettings
    var listener: String
    var address: ListenAddress

    var name: String { component.builtIn == nil ? "\(component.name).\(listener)" : component.title }
    var location: SourceLocation? { address.location ?? component.location }

    /// At the address, or at the component's name where the address is the plugin's default.
    func diagnostic(_ message: String) -> Diagnostic {
        let hidden = component.hiddenSpans(besides: [])
        guard let location = address.location else {
            return component.source.diagnostic(message, at: component.span, hiding: hidden)
        }
        let start = SourcePosition(line: location.line, column: location.column)
        let span = component.listen?.value.span(startingAt: start)
        return component.source.diagnostic(message, at: span ?? SourceSpan(start, start), hiding: hidden)
    }
}

/// Who has which addresses of one port.
private struct TakenPort {
    private var byHost: [String: Claim] = [:]
    /// Some IPv4 claim and some claim at all, for wildcards to run into.
    private var firstIPv4: Claim?
    private var first: Claim?

    /// Takes the address, or answers who stands in the way. `::` takes IPv4 too.
    mutating func take(_ claim: Claim) -> Claim? {
        let isIPv4 = !claim.address.host.contains(":")
        let holder: Claim? =
            switch claim.address.host {
            case "::": first
            case "0.0.0.0": byHost["::"] ?? firstIPv4
            default: byHost[claim.address.host] ?? byHost["::"] ?? (isIPv4 ? byHost["0.0.0.0"] : nil)
            }
        if let holder { return holder }
        byHost[claim.address.host] = claim
        if first == nil { first = claim }
        if isIPv4, firstIPv4 == nil { firstIPv4 = claim }
        return nil
    }
}

extension YAMLNode {
    /// The scalar that begins at a point.
    fileprivate func span(startingAt start: SourcePosition) -> SourceSpan? {
        scalarSpans.first { $0.start == start }
    }
}

public import ControlProtocol

/// The state of a host as `muster status` shows it: who it is, a table of the components, and below it a line for each
/// thing that wants attention.
public struct StatusView: Sendable {
    public var status: HostStatus

    public init(_ status: HostStatus) { self.status = status }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        var blocks = [heading(on: terminal)]
        if status.components.isEmpty {
            blocks.append("No component is enabled.")
        } else {
            blocks.append(table(on: terminal).render(on: terminal).joined(separator: "\n"))
        }
        let notes = status.components.flatMap(notes(on:)).map { $0.render(on: terminal) }
        if !notes.isEmpty { blocks.append(notes.joined(separator: "\n")) }
        return blocks.joined(separator: "\n\n")
    }

    private func heading(on terminal: Terminal) -> String {
        let uptime = Quantity.duration(seconds: status.uptimeSeconds)
        let phase = Style.strong(Self.text(of: status.phase), if: terminal.usesColor)
        var text = "muster \(oneLine(status.version)) is \(phase): pid \(status.pid), generation \(status.generation), "
        text += "up \(uptime)\nconfiguration \(oneLine(status.configurationPath))"
        for url in status.metricsURLs { text += "\nmetrics \(oneLine(url))" }
        if status.isConfigurationStale {
            let advice = "The file on disk is not what runs: `muster check` examines it, `muster reload` takes it over."
            text += "\n" + Style.uncertain(advice.wrapped(to: terminal.width), if: terminal.usesColor)
        }
        return text
    }

    private static func text(of phase: HostStatus.Phase) -> String {
        switch phase {
        case .starting, .running, .reloading, .stopping: phase.rawValue
        case .probation: "running, on probation after a reload"
        }
    }

    private func table(on terminal: Terminal) -> Table {
        var table = Table(columns: [
            .init(title: "COMPONENT", minimum: 10), .init(title: "PORTS", minimum: 7),
            .init(title: "STATE", minimum: 8), .init(title: "PID", alignment: .right),
            .init(title: "GEN", alignment: .right), .init(title: "UPTIME", alignment: .right),
            .init(title: "RESTARTS", alignment: .right), .init(title: "CONN", alignment: .right),
            .init(title: "REQ/S", alignment: .right),
        ])
        table.rows = status.components.map(row)
        // What a narrow terminal has no room for, `--json` still tells.
        for group in furtherColumns {
            let wider = group.reduce(table) { table, column in
                table.adding(
                    .init(title: column.title, alignment: .right), status.components.map { Table.Cell(column.text($0)) }
                )
            }
            if wider.naturalWidth <= terminal.width { table = wider }
        }
        return table
    }

    private typealias FurtherColumn = (title: String, text: (ComponentStatus) -> String)

    /// Columns for those who have room, what matters most first; each group is shown whole or not at all.
    private var furtherColumns: [[FurtherColumn]] {
        var groups: [[FurtherColumn]] = [[("REQUESTS", { Self.total($0.http, \.requests) })]]
        if status.components.contains(where: { !$0.https.isEmpty }) { groups.append(Self.handshakeColumns) }
        if status.components.contains(where: { $0.bus != nil }) { groups.append(Self.busColumns) }
        groups.append([("MEMORY", { $0.residentBytes.map(Quantity.bytes) ?? "-" })])
        return groups
    }

    private static var handshakeColumns: [FurtherColumn] {
        [
            ("TLS", { $0.https.isEmpty ? "-" : Quantity.short($0.handshakes) }),
            ("RESUMED", { resumedShare(of: $0) }),
            ("FAILED", { total($0.https, \.failedHandshakes) }),
        ]
    }

    /// Messages and calls, whoever began them, and messages that were lost.
    private static var busColumns: [FurtherColumn] {
        [
            (
                "BUS",
                { component in
                    guard let bus = component.bus else { return "-" }
                    return Quantity.short(bus.published &+ bus.delivered &+ bus.callsMade &+ bus.callsServed)
                }
            ),
            ("DROPPED", { $0.bus.map { Quantity.short($0.dropped) } ?? "-" }),
        ]
    }

    private static func resumedShare(of component: ComponentStatus) -> String {
        guard component.handshakes > 0 else { return "-" }
        let share = Double(sum(component.https, \.resumedHandshakes)) / Double(component.handshakes)
        return "\(Int((share * 100).rounded(.down)))%"
    }

    fileprivate static func sum(_ listeners: [ListenerStatus], _ member: KeyPath<ListenerActivity, UInt64>) -> UInt64 {
        listeners.reduce(0) { $0 &+ $1.totals[keyPath: member] }
    }

    private static func total(_ listeners: [ListenerStatus], _ member: KeyPath<ListenerActivity, UInt64>) -> String {
        listeners.isEmpty ? "-" : Quantity.short(sum(listeners, member))
    }

    private func row(_ component: ComponentStatus) -> [Table.Cell] {
        let http = component.http
        let connections = component.listeners.reduce(0) { $0 + $1.activity.connections }
        let rate = http.reduce(0) { $0 + $1.requestsPerSecond }
        return [
            Table.Cell(oneLine(component.name)),
            Table.Cell(
                oneLine(
                    component.listeners.flatMap(\.addresses).map { Self.port($0, of: component) }.joined(separator: ",")
                )),
            Table.Cell(component.state.rawValue, Self.style(of: component.state)),
            Table.Cell(component.pid.map { "\($0)" } ?? "-"),
            "\(component.generation)",
            Table.Cell(component.uptimeSeconds.map(Quantity.uptime) ?? "-"),
            Table.Cell("\(component.restarts)", component.restarts > 0 ? .uncertain : nil),
            "\(connections)",
            Table.Cell(http.isEmpty ? "-" : Quantity.rate(rate)),
        ]
    }

    /// The port alone where it is bound on all addresses, or the heading has the address already.
    private static func port(_ address: String, of component: ComponentStatus) -> String {
        guard component.isBuiltIn || address.hasPrefix("[::]:") else { return address }
        return address.split(separator: ":").last.map(String.init) ?? address
    }

    private static func style(of state: ComponentStatus.State) -> Style {
        switch state {
        case .running: .good
        case .starting, .ready, .stopping: .uncertain
        case .retrying, .waitingForReload: .bad
        }
    }

    /// A sentence about one component.
    private struct Note {
        var component: String
        var text: String
        var style: Style?

        func render(on terminal: Terminal) -> String {
            let name = oneLine(component)
            let whole = "\(name): \(text)".wrapped(to: terminal.width, indent: "  ")
            return style.map { $0(whole, if: terminal.usesColor) } ?? whole
        }
    }

    private func notes(on component: ComponentStatus) -> [Note] {
        var notes: [Note] = []
        func note(_ text: String, _ style: Style?) {
            notes.append(Note(component: component.name, text: text, style: style))
        }

        let isWell = component.state == .running || component.state == .stopping
        if let message = component.message { note(oneLine(message), isWell ? .uncertain : .bad) }
        switch component.state {
        case .retrying:
            note(
                component.nextAttemptSeconds.map { "next try in \(Quantity.duration(seconds: $0))." }
                    ?? "tried again now.", nil)
        case .waitingForReload:
            note("correct its configuration, then `muster reload`.", nil)
        default: break
        }
        if component.isPluginNewerOnDisk {
            note(
                "the plugin is newer on disk (\(oneLine(component.pluginPath))); `muster reload` loads it.", .uncertain)
        }
        for old in component.draining {
            let connections = Quantity.count(old.connections, "connection")
            let left = Quantity.duration(seconds: old.remainingSeconds)
            note(
                "generation \(old.generation), pid \(old.pid), still serves \(connections); ends in \(left) at the latest.",
                .faint)
        }
        return notes
    }
}

extension ComponentStatus {
    fileprivate var http: [ListenerStatus] { listeners.filter { $0.transport != "raw" } }

    fileprivate var https: [ListenerStatus] { listeners.filter { $0.transport == "https" } }

    /// TLS handshakes that were done.
    fileprivate var handshakes: UInt64 {
        StatusView.sum(https, \.fullHandshakes) &+ StatusView.sum(https, \.resumedHandshakes)
    }
}

public import Fleet

/// Everything that is known of one client.
public struct ClientView: Sendable {
    public var client: ClientRow
    public var now: Timestamp

    public init(_ client: ClientRow, now: Timestamp) {
        self.client = client
        self.now = now
    }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        var blocks = [Style.strong(oneLine(client.name).cut(to: terminal.width), if: terminal.usesColor)]
        blocks[0] += "\n" + facts.render(on: terminal)
        if let status = client.status {
            blocks.append(Self.system(of: status, now: now).render(on: terminal))
            if !status.disks.isEmpty { blocks.append(disks(status.disks, on: terminal)) }
            if !status.components.isEmpty { blocks.append(components(status.components, on: terminal)) }
        } else {
            blocks.append(
                "It has not reported its status yet; `muster poll --client NAME` asks for it.".wrapped(
                    to: terminal.width))
        }
        return blocks.joined(separator: "\n\n")
    }

    private var facts: Facts {
        var facts = Facts()
        facts.add("id", "\(client.id)")
        facts.add("group", oneLine(client.group))
        facts.add("state", ClientsView.state(of: client))
        facts.add("seen", client.seenAt.map { Age.full($0, now: now) } ?? "never")
        facts.add("enrolled", Age.full(client.enrolledAt, now: now))
        if let end = client.certificateEndsAt {
            facts.add("certificate", Table.Cell("ends \(Age.full(end, now: now))", end < now ? .bad : nil))
        }
        if let skew = client.clockSkew { facts.add("clock", Self.clock(skew)) }
        if let original = client.clonedFrom {
            facts.add("cloned", Table.Cell("from \(original): another machine had the same identity", .uncertain))
        }
        facts.add("threats", TrafficLight.threats(client.openDetections))
        return facts
    }

    private static func clock(_ skew: Double) -> Table.Cell {
        guard skew.isFinite, abs(skew) >= 1 else { return Table.Cell("right, to the second") }
        let text = Age.span(seconds: Int(min(abs(skew), 1e12)))
        return Table.Cell("\(text) \(skew > 0 ? "ahead" : "behind")", abs(skew) >= 60 ? .uncertain : nil)
    }

    private static func system(of status: ClientStatus, now: Timestamp) -> Facts {
        var facts = Facts()
        let system = status.system
        facts.add("host", oneLine(system.host))
        facts.add("system", oneLine("\(system.os), \(system.family), \(system.architecture)"))
        facts.add("kernel", oneLine(system.kernel))
        facts.add("started", system.bootedAt.map { Age.full($0, now: now) })
        facts.add("muster", oneLine(status.version))
        if let definitions = status.definitions {
            var text = "\(oneLine(definitions.version)), \(SweepWords.grouped(definitions.signatures)) signatures"
            if let date = definitions.date { text += ", of \(Age.full(date, now: now))" }
            facts.add("definitions", text)
        } else {
            facts.add("definitions", Table.Cell("none", .bad))
        }
        facts.add("last sweep", TrafficLight.sweep(status.lastSweep, now: now))
        if let sweep = status.lastSweep {
            facts.add("", Moment.text(Double(sweep.finishedAt.milliseconds) / 1000))
            facts.add("", SweepWords.coverage(sweep.coverage))
            facts.add("", "\(Quantity.count(sweep.detections, "detection")), \(status.openDetections) still open")
        }
        return facts
    }

    private func disks(_ disks: [ClientStatus.Disk], on terminal: Terminal) -> String {
        var table = Table(columns: [
            .init(title: "DISK", minimum: 8), .init(title: "SIZE", alignment: .right),
            .init(title: "FREE", alignment: .right),
        ])
        table.rows = disks.map { disk in
            let isShort = disk.size > 0 && disk.free < disk.size / 20
            return [
                Table.Cell(oneLine(disk.path)), Table.Cell(Quantity.bytes(UInt64(clamping: disk.size))),
                Table.Cell(Quantity.bytes(UInt64(clamping: disk.free)), isShort ? .uncertain : nil),
            ]
        }
        return table.render(on: terminal).joined(separator: "\n")
    }

    private func components(_ components: [ClientStatus.Component], on terminal: Terminal) -> String {
        var table = Table(columns: [
            .init(title: "COMPONENT", minimum: 10), .init(title: "STATE", minimum: 8),
            .init(title: "VERSION", minimum: 7), .init(title: "RESTARTS", alignment: .right),
        ])
        table.rows = components.map { component in
            [
                Table.Cell(oneLine(component.name)),
                Table.Cell(oneLine(component.state), component.state == "running" ? .good : .uncertain),
                Table.Cell(oneLine(component.version)),
                Table.Cell("\(component.restarts)", component.restarts > 0 ? .uncertain : nil),
            ]
        }
        return table.render(on: terminal).joined(separator: "\n")
    }
}

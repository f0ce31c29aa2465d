public import Fleet

/// The clients of a fleet as `muster clients` shows them.
public struct ClientsView: Sendable {
    public var clients: [ClientRow]
    public var now: Timestamp

    public init(_ clients: [ClientRow], now: Timestamp) {
        self.clients = clients
        self.now = now
    }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        guard !clients.isEmpty else {
            let text =
                "No client. `muster fleet token create` makes a token, and `muster enroll TOKEN` on a workstation "
                + "enrols it."
            return text.wrapped(to: terminal.width)
        }
        let table = table(on: terminal).render(on: terminal).joined(separator: "\n")
        return table + "\n\n" + summary.wrapped(to: terminal.width)
    }

    private func table(on terminal: Terminal) -> Table {
        let order = DefinitionsOrder(clients.compactMap { $0.status?.definitions?.version })
        var table = Table(columns: [.init(title: "CLIENT", minimum: 20), .init(title: "STATE", minimum: 7)])
        table.rows = clients.map { [Table.Cell(oneLine($0.name)), Self.state(of: $0)] }
        // What a narrow terminal has no room for, `muster clients NAME` and `--json` still tell.
        return table.adding(
            [
                ("THREATS", nil, { TrafficLight.threats($0.openDetections) }),
                ("LAST SWEEP", nil, { TrafficLight.sweep($0.status?.lastSweep, now: now) }),
                ("DEFINITIONS", nil, { TrafficLight.definitions($0.status?.definitions?.version, among: order) }),
                ("GROUP", 8, { Table.Cell(oneLine($0.group)) }),
                ("SEEN", nil, { client in Table.Cell(client.seenAt.map { Age.text($0, now: now) } ?? "never") }),
                ("OS", 10, { Table.Cell(oneLine($0.status?.system.os ?? "-")) }),
                ("ID", nil, { Table.Cell("\($0.id)", .faint) }),
            ], from: clients, within: terminal.width)
    }

    static func state(of client: ClientRow) -> Table.Cell {
        switch (client.standing, client.isOnline) {
        case (.revoked, _): Table.Cell("revoked", .bad)
        case (.enrolled, true): Table.Cell("online", .good)
        case (.enrolled, false): Table.Cell("offline", .uncertain)
        }
    }

    private var summary: String {
        let enrolled = clients.filter { $0.standing == .enrolled }
        var parts = ["\(enrolled.count { $0.isOnline }) online", "\(enrolled.count { !$0.isOnline }) offline"]
        let revoked = clients.count - enrolled.count
        if revoked > 0 { parts.append("\(revoked) revoked") }
        let infected = enrolled.count { $0.openDetections > 0 }
        parts.append(infected == 0 ? "no open threat" : "\(infected) with open threats")
        return "\(Quantity.count(clients.count, "client")): \(parts.joined(separator: ", "))."
    }
}

extension Table {
    /// The table with as many of these columns, in their order, as the terminal has room for at least when shrunk.
    func adding<Item>(
        _ further: [(title: String, minimum: Int?, cell: (Item) -> Cell)], from items: [Item], within width: Int
    ) -> Table {
        further.reduce(self) { table, column in
            let wider = table.adding(
                Column(title: column.title, minimum: column.minimum), items.map(column.cell))
            return wider.leastWidth <= width ? wider : table
        }
    }
}

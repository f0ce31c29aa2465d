internal import Configuration
public import UpdateTrust

/// A repository as its publisher wants to see it: what is valid for how long, and who may sign.
public struct RepositoryView {
    private let status: RepositoryStatus
    private let path: String

    public init(_ status: RepositoryStatus, path: String) {
        self.status = status
        self.path = path
    }

    public func render(on terminal: Terminal) -> String {
        var table = Table(columns: [
            .init(title: "ROLE", minimum: 10), .init(title: "VERSION", alignment: .right), .init(title: "EXPIRES"),
            .init(title: "LEFT", alignment: .right), .init(title: "SIGNED BY"),
            .init(title: "KEYS HERE", alignment: .right),
        ])
        for role in status.roles {
            let style: Style? = isLate(role) ? (role.secondsLeft <= 0 ? .bad : .uncertain) : nil
            table.rows.append([
                .init(visible(role.name)), .init("\(role.version)"), .init(role.expires), .init(left(role), style),
                .init("\(role.threshold) of \(role.keys.count)"), .init("\(role.keysHere)"),
            ])
        }
        var lines = table.render(on: terminal) + [""]
        let definitions = status.definitions.map { "; definitions \(visible($0))" } ?? ""
        lines.append(
            "\(Quantity.count(status.targets, "target")), \(Quantity.count(status.deltas, "delta")), "
                + "\(Quantity.bytes(UInt64(max(0, status.bytes))))\(definitions)")
        for path in status.stagedAdditions { lines.append("  + \(visible(path)) with the next publication") }
        for path in status.stagedRemovals { lines.append("  - \(visible(path)) with the next publication") }
        if let file = status.waitingRoot {
            lines.append(
                "A new root waits for signatures: \(visible(file)). Sign it: muster repo sign \(visible(path))")
        }
        for role in status.roles where isLate(role) { lines.append(warning(role)) }
        return lines.joined(separator: "\n")
    }

    /// Below what is left when somebody should have acted: a month for root, less for what is signed more often.
    private func isLate(_ role: RepositoryStatus.Role) -> Bool {
        let day: Int64 = 86_400
        return switch role.name {
        case "root": role.secondsLeft < 30 * day
        case "timestamp": role.secondsLeft < day / 4
        case "snapshot": role.secondsLeft < day
        default: role.secondsLeft < 7 * day
        }
    }

    private func left(_ role: RepositoryStatus.Role) -> String {
        role.secondsLeft <= 0 ? "expired" : Quantity.duration(seconds: Double(role.secondsLeft))
    }

    private func warning(_ role: RepositoryStatus.Role) -> String {
        let what = role.secondsLeft <= 0 ? "has expired: no client accepts it" : "expires in \(left(role))"
        let remedy =
            switch role.name {
            case "root": "muster repo sign \(visible(path)) --renew, with the root's keys"
            case "timestamp", "snapshot": "muster repo publish \(visible(path))"
            default: "publish something of it: muster repo add, then muster repo publish"
            }
        return "Warning: \(visible(role.name)) \(what). Renew it: \(remedy)"
    }
}

internal import Fleet
import FoundationEssentials
import Glibc
import PluginKit

extension FleetServer {
    /// What administrators ask over :50000. Whether they may was found out before.
    func administer(_ endpoint: Endpoint, _ call: FleetCall) async throws -> Answer {
        switch endpoint {
        case .clients:
            let after = try call.query.value("after") { ClientID($0) }
            return try .json(
                try await selectClients(call.query["where"] ?? "all", after: after, limit: try call.query.limit()))
        case .client: return try .json(try await client(named: call.part))
        case .groups: return try .json(Page(items: try await store().read { try $0.groups() }))
        case .jobs: return try await jobs(call.query)
        case .job:
            return try .json(
                try await report(
                    try call.job(), kind: nil, after: try call.query.value("after") { ClientID($0) },
                    limit: try call.query.limit(), bytes: Self.reportBytes))
        case .cancelJob:
            return try .json(try await cancel(try call.job(), kind: nil, by: call.peer?.caller.uri ?? ""))
        case .detections: return try await detections(call.query)
        case .makeToken: return try await makeToken(call)
        case .tokens:
            let after = try call.query.value("after") { TokenID($0) }
            let limit = try call.query.limit()
            let rows = try await store().read { try $0.tokens(after: after, limit: limit) }
            return try .json(Page(items: rows, next: rows.count == limit ? rows.last?.id.description : nil))
        case .deleteToken: return try await deleteToken(call.part)
        case .revoke: return try await revoke(call)
        case .backup: return try await backup()
        case .enroll, .renew, .heartbeat, .lease, .progress, .result, .status:
            throw Problem(500, .failed, "This path is answered elsewhere.")
        }
    }

    /// Of one answer with rows of a job; the rest is on the next page.
    private static let reportBytes = 8 << 20

    // MARK: Clients

    /// Reads a selector and checks that what it names is there.
    func selector(_ text: String) throws(Problem) -> Selector {
        let selector: Selector
        do {
            selector = try Selector(text)
        } catch {
            throw Problem(400, .selector, "The selector cannot be read: \(error.reason).", column: error.column)
        }
        let named = selector.comparisons.filter { $0.comparator == .equal && [.group, .client].contains($0.field) }
        guard !named.isEmpty else { return selector }
        let known = registry.collect { id, entry in (id, entry.name.lowercased(), entry.group.lowercased()) }
        for comparison in named {
            let value = comparison.value.lowercased()
            switch comparison.field {
            case .group where !known.contains { $0.2 == value }:
                throw Problem(
                    404, .unknownGroup,
                    "There is no group \(comparison.value.shortened); `muster clients` shows the groups there are.",
                    column: comparison.column)
            case .client:
                let matches = known.filter { $0.1 == value || $0.0.description == value }
                if matches.isEmpty {
                    throw Problem(
                        404, .noClients,
                        "There is no client \(comparison.value.shortened); `muster clients` lists all.",
                        column: comparison.column)
                }
                if matches.count > 1 {
                    throw Problem(
                        409, .selector,
                        "\(matches.count) clients are called \(comparison.value.shortened); name the one you mean by its id (`muster clients`).",
                        column: comparison.column)
                }
            default: break
            }
        }
        return selector
    }

    func selectClients(_ text: String, after: ClientID?, limit: Int) async throws -> Page<ClientRow> {
        let selector = try selector(text)
        let ids = registry.collect { id, entry in
            (after.map { id > $0 } ?? true) && selector.matches(subject(id, entry)) ? id : nil
        }.sorted().prefix(limit + 1)
        let store = try store()
        let wanted = ids.prefix(limit)
        let records = try await store.read { store in try wanted.compactMap { try store.client($0) } }
        return Page(items: records.map(row), next: ids.count > limit ? wanted.last?.description : nil)
    }

    private func subject(_ id: ClientID, _ entry: ClientRegistry.Entry) -> SelectorSubject {
        var subject = entry.subject(id)
        subject.isOnline = entry.isOnline || waiters.isWaiting(id)
        return subject
    }

    func row(_ record: ClientRecord) -> ClientRow {
        let entry = registry.entry(record.id)
        var record = record
        if let entry { record.take(entry.heard) }
        return ClientRow(
            id: record.id, name: record.name, group: record.group, standing: entry?.standing ?? record.standing,
            isOnline: entry?.isOnline ?? false, enrolledAt: record.enrolledAt, seenAt: record.seenAt,
            clockSkew: record.clockSkew.map { Double($0) / 1000 }, certificateEndsAt: record.certificateEndsAt,
            clonedFrom: record.clonedFrom, openDetections: record.openDetections, status: record.status)
    }

    private func client(named text: String) async throws -> ClientRow {
        let name = text.removingPercentEncoding ?? text
        let id: ClientID
        if let given = ClientID(name) {
            id = given
        } else {
            let matches = registry.collect { $1.name.lowercased() == name.lowercased() ? $0 : nil }
            guard let first = matches.first else {
                throw Problem(404, .noClients, "There is no client \(name.shortened); `muster clients` lists all.")
            }
            guard matches.count == 1 else {
                throw Problem(
                    409, .invalid,
                    "\(matches.count) clients are called \(name.shortened); name the one you mean by its id.")
            }
            id = first
        }
        guard let record = try await store().read({ try $0.client(id) }) else {
            throw Problem(404, .noClients, "There is no client \(name.shortened); `muster clients` lists all.")
        }
        return row(record)
    }

    private func revoke(_ call: FleetCall) async throws -> Answer {
        let order: RevocationOrder = try call.json()
        let subject = order.subject
        let now = now
        let by = call.peer?.caller.uri ?? ""
        var role: FleetRole?
        for prefix in ["admin/", "distributor/"] where subject.hasPrefix(prefix) {
            role = FleetRole(uri: "muster:\(subject)\(prefix == "admin/" ? "?role=viewer" : "")")
            guard role != nil else {
                throw Problem(400, .invalid, "\(subject.shortened) is not the name of an administrator or distributor.")
            }
        }
        let store = try store()
        let client = try role == nil ? await self.client(named: subject) : nil
        guard let role = role ?? client.map({ .client($0.id) }) else {
            throw Problem(404, .notFound, "There is nobody of that name.")
        }
        if client?.id != nil, client?.id == ownClient {
            throw Problem(409, .invalid, "This is the company server itself; it cannot be revoked.")
        }
        if role == call.peer?.roles.first.map({ FleetRole(uri: "\($0)") ?? $0 })
            || role.subject == call.peer?.roles.first?.subject
        {
            throw Problem(409, .invalid, "You cannot revoke yourself; another administrator can.")
        }
        let wasRevoked = try await change(store) { ledger -> Bool in
            let isNew = try ledger.store.revoke(role.subject, by: by, at: now)
            if let id = client?.id, var record = try ledger.store.client(id) {
                record.standing = .revoked
                try ledger.store.update(record)
                try ledger.remove(id, reason: "the client was revoked")
            }
            return !isNew
        }
        registry.revoke(role.subject, client: client?.id)
        host.log.notice("A certificate was revoked.", ["subject": role.subject, "by": by])
        return try .json(Revocation(uri: role.subject, name: client?.name ?? subject, wasRevoked: wasRevoked))
    }

    // MARK: Tokens

    private static let longestToken = 30 * 86_400

    private func makeToken(_ call: FleetCall) async throws -> Answer {
        let order: TokenOrder = try call.json()
        guard FleetRole.isName(order.group) else {
            throw Problem(400, .invalid, "A group's name has 1 to 64 letters, digits, '.', '_' and '-'.")
        }
        guard (1...100_000).contains(order.uses), (1...Self.longestToken).contains(order.expiresSeconds) else {
            throw Problem(400, .invalid, "A token is good for 1 to 100000 uses and for at most 30 days.")
        }
        let now = now
        let secret = TokenSecret.make()
        let row = TokenRow(
            id: .make(at: now), group: order.group, usesLeft: order.uses, createdBy: call.peer?.caller.uri ?? "",
            createdAt: now, expiresAt: now + .seconds(order.expiresSeconds))
        try await store().write { store in
            // Kept for a while, so that who comes too late is told so.
            try store.deleteTokens(expiredAt: now + .seconds(-7 * 86_400))
            try store.insert(TokenRecord(row: row, hash: TokenSecret.hash(secret)))
        }
        host.log.notice("A token was made.", ["token": "\(row.id)", "group": row.group, "by": row.createdBy])
        return try .json(
            MadeToken(id: row.id, secret: secret, authority: authority.fingerprint, expiresAt: row.expiresAt), .created)
    }

    private func deleteToken(_ text: String) async throws -> Answer {
        guard let id = TokenID(text), try await store().write({ try $0.deleteToken(id) }) else {
            throw Problem(
                404, .notFound, "There is no token \(text.shortened); `muster fleet token list` shows those there are.")
        }
        return .nothing
    }

    // MARK: Jobs

    private func jobs(_ query: Query) async throws -> Answer {
        let limit = try query.limit()
        let before = try query.value("after") { JobID($0) }
        let isFinished = try query.value("state") { ["open": false, "finished": true][$0] }
        let kind = query["kind"]
        let jobs = try await store().read {
            try $0.jobs(kind: kind, isFinished: isFinished, before: before, limit: limit)
        }
        return try .json(Page(items: jobs, next: jobs.count == limit ? jobs.last?.id.description : nil))
    }

    private func detections(_ query: Query) async throws -> Answer {
        let limit = try query.limit()
        let since = try query.value("since") { Timestamp($0) }
        var before = try query.value("after") { Int64($0) }
        let selector = try query["where"].map { try self.selector($0) }
        let chosen = selector.map { selector in
            Set(registry.collect { id, entry in selector.matches(subject(id, entry)) ? id : nil })
        }
        let store = try store()
        var rows: [DetectionRow] = []
        var next: String?
        search: while rows.count < limit {
            let (last, count) = (before, max(limit, 100))
            let found = try await store.read { try $0.detections(since: since, before: last, limit: count) }
            for (number, row) in found {
                before = number
                guard chosen?.contains(row.client) ?? true else { continue }
                rows.append(row)
                if rows.count == limit {
                    next = String(number)
                    break search
                }
            }
            guard found.count == count else { break }
        }
        return try .json(Page(items: rows, next: next))
    }

    // MARK: Backup

    private static let copyPrefix = "backup-"

    /// Those that a kill left behind.
    static func removeCopies(in folder: String) {
        for name in FolderNames.list(folder) where name.hasPrefix(copyPrefix) { unlink("\(folder)/\(name)") }
    }

    /// A copy of the store, made in the component's folder and gone when it was sent.
    private func backup() async throws -> Answer {
        let path = try host.stateDirectory.string + "/" + Self.copyPrefix + UUID().uuidString
        defer { unlink(path) }
        try await store().backUp(to: path)
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(500, .failed, "The copy could not be read.") }
        let file = OpenFile(owning: descriptor)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Problem(500, .failed, "The copy could not be read.") }
        return Answer(
            status: .ok, headers: ["Content-Type": "application/vnd.sqlite3", "Cache-Control": "no-store"],
            content: .file(file, size: UInt64(clamping: status.st_size)))
    }
}

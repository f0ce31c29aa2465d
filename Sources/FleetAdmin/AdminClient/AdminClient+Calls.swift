public import Fleet

extension AdminClient {
    /// Rows that are asked for at a time.
    private static let pageSize = 200
    /// More rows than any fleet has: a server that never ends a list is not ours.
    private static let rowLimit = 5_000_000

    /// Hands on every row of a list, page by page; `body` says whether to go on.
    private func forEach<Item: Codable & Hashable & Sendable>(
        _ call: AdminCall, _ type: Item.Type, _ body: (Item) throws(AdminFailure) -> Bool
    ) throws(AdminFailure) {
        var (call, rows) = (call, 0)
        var after: String?
        repeat {
            var paged = call
            paged.query += [("after", after), ("limit", "\(Self.pageSize)")]
            let page: Page<Item> = try ask(paged)
            for item in page.items where try !body(item) { return }
            rows += page.items.count
            guard page.next == nil || page.next != after, rows <= Self.rowLimit else { throw endless(call) }
            after = page.next
        } while after != nil
        call.query = []
    }

    private func endless(_ call: AdminCall) -> AdminFailure {
        Self.notOurs(access.address(of: call.service), "its list has no end")
    }

    private func all<Item: Codable & Hashable & Sendable>(
        _ call: AdminCall, limit: Int = .max
    ) throws(AdminFailure) -> [Item] {
        var items: [Item] = []
        guard limit > 0 else { return items }
        try forEach(call, Item.self) { item throws(AdminFailure) in
            items.append(item)
            return items.count < limit
        }
        return items
    }

    // MARK: ClientService

    /// - Parameter selector: nil: all.
    public func forEachClient(
        where selector: String?, _ body: (ClientRow) throws(AdminFailure) -> Bool
    ) throws(AdminFailure) {
        var call = AdminCall(.clients, "v1", "clients")
        call.query = [("where", selector)]
        call.selector = selector
        try forEach(call, ClientRow.self, body)
    }

    public func clients(where selector: String?, limit: Int = .max) throws(AdminFailure) -> [ClientRow] {
        var call = AdminCall(.clients, "v1", "clients")
        call.query = [("where", selector)]
        call.selector = selector
        return try all(call, limit: limit)
    }

    /// - Parameter name: or the id.
    public func client(_ name: String) throws(AdminFailure) -> ClientRow {
        try ask(AdminCall(.clients, "v1", "clients", name))
    }

    public func groups() throws(AdminFailure) -> [GroupRow] { try all(AdminCall(.clients, "v1", "groups")) }

    public enum JobsState: String, Sendable, CaseIterable { case open, finished }

    /// The newest first.
    public func jobs(kind: String?, state: JobsState? = nil, limit: Int) throws(AdminFailure) -> [Job] {
        var call = AdminCall(.clients, "v1", "jobs")
        call.query = [("kind", kind), ("state", state?.rawValue)]
        return try all(call, limit: limit)
    }

    /// The job and every assignment of it.
    public func report(of id: JobID) throws(AdminFailure) -> JobReport {
        var after: String?
        var whole: JobReport?
        repeat {
            var call = AdminCall(.clients, "v1", "jobs", "\(id)")
            call.query = [("after", after), ("limit", "\(Self.pageSize)")]
            let part: JobReport = try ask(call)
            let rows = (whole?.rows ?? []) + part.rows
            guard part.next == nil || part.next != after, rows.count <= Self.rowLimit else { throw endless(call) }
            whole = JobReport(job: part.job, rows: rows)
            after = part.next
            if after == nil { return JobReport(job: part.job, rows: rows) }
        } while true
    }

    /// Without its assignments.
    public func job(_ id: JobID) throws(AdminFailure) -> Job {
        let report: JobReport = try ask(Self.jobCall(id))
        return report.job
    }

    static func jobCall(_ id: JobID) -> AdminCall {
        var call = AdminCall(.clients, "v1", "jobs", "\(id)")
        call.query = [("limit", "0")]
        return call
    }

    public func cancel(_ id: JobID) throws(AdminFailure) -> Job {
        try ask(AdminCall(.clients, "v1", "jobs", "\(id)", method: "DELETE"))
    }

    /// The newest first.
    public func forEachDetection(
        where selector: String?, since: Timestamp?, _ body: (DetectionRow) throws(AdminFailure) -> Bool
    ) throws(AdminFailure) {
        var call = AdminCall(.clients, "v1", "detections")
        call.query = [("where", selector), ("since", since.map { "\($0)" })]
        call.selector = selector
        try forEach(call, DetectionRow.self, body)
    }

    public func makeToken(_ order: TokenOrder) throws(AdminFailure) -> MadeToken {
        try ask(try posting(order, to: AdminCall(.clients, "v1", "tokens", method: "POST")))
    }

    public func tokens() throws(AdminFailure) -> [TokenRow] { try all(AdminCall(.clients, "v1", "tokens")) }

    public func deleteToken(_ id: TokenID) throws(AdminFailure) {
        _ = try ask(AdminCall(.clients, "v1", "tokens", "\(id)", method: "DELETE"))
    }

    public func revoke(_ order: RevocationOrder) throws(AdminFailure) -> Revocation {
        try ask(try posting(order, to: AdminCall(.clients, "v1", "revocations", method: "POST")))
    }

    /// What the server's clock says, to the second: deadlines are judged by it, however wrong this machine's is. Every
    /// answer has its date, a refusal too (RFC 9110 section 6.6.1).
    public func serverTime() throws(AdminFailure) -> Timestamp {
        let transfer = try start(AdminCall(.clients, "v1", "status"))
        transfer.exchange.wait()
        guard let result = transfer.exchange.result, result.code == .done else {
            _ = try Self.answer(of: transfer, to: AdminCall(.clients, "v1", "status"))
            return .now()
        }
        return result.date.map { Timestamp(seconds: $0) } ?? .now()
    }

    // MARK: PollHandler and SweepHandler

    /// What may be ordered.
    public enum JobKind: String, Sendable, CaseIterable {
        case poll, sweep

        var service: AdminService {
            switch self {
            case .poll: .polls
            case .sweep: .sweeps
            }
        }
    }

    public func order(_ kind: JobKind, _ order: JobOrder) throws(AdminFailure) -> Job {
        var call = try posting(order, to: AdminCall(kind.service, "v1", kind.service.rawValue, method: "POST"))
        call.selector = order.selector
        return try ask(call)
    }

    static func eventsCall(_ kind: JobKind, _ id: JobID) -> AdminCall {
        var call = AdminCall(kind.service, "v1", kind.service.rawValue, "\(id)", "events")
        call.accepts = "text/event-stream"
        return call
    }

    private func posting(_ value: some Encodable, to call: AdminCall) throws(AdminFailure) -> AdminCall {
        guard let body = try? FleetJSON.encode(value) else {
            throw AdminFailure(.local, "the request cannot be written as JSON")
        }
        var call = call
        call.body = body
        return call
    }
}

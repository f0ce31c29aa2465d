internal import Fleet
import PluginKit

extension FleetServer {
    /// What a reply may take of the bus's 256 KiB.
    private static let replyBytes = 240 << 10

    /// Serves the other components of the host; in prepare.
    func serveBus() throws {
        try host.serve(Service(FleetService.jobs)) { [self] (call: BusCall) async throws in
            try await answer(call, jobs)
        }
        try host.serve(Service(FleetService.clients)) { [self] (call: BusCall) async throws in
            try await answer(call, clients)
        }
    }

    private func answer(
        _ call: BusCall, _ body: (BusCall) async throws -> [UInt8]
    ) async throws {
        do {
            call.reply(try await body(call))
        } catch let problem as Problem {
            throw CallFailure(problem.detail, payload: (try? FleetJSON.encode(problem)) ?? [])
        } catch let error as StoreError {
            if error.kind != .closed { note(trouble: error.message) }
            let problem = Problem(
                503, error.kind == .closed ? .handingOver : .store,
                "The company server cannot reach its store just now; try again later. Its log says why.")
            throw CallFailure(problem.detail, payload: (try? FleetJSON.encode(problem)) ?? [])
        }
    }

    private func jobs(_ call: BusCall) async throws -> [UInt8] {
        if call.method == "create" {
            let order: CreateJob = try Self.decode(call)
            try check(order.caller, .operator)
            return try FleetJSON.encode(try await create(order.kind, order.order, by: order.caller.uri))
        }
        let query: JobQuery = try Self.decode(call)
        let after = query.after.flatMap { ClientID($0) }
        let limit = min(max(0, query.limit), 500)
        switch call.method {
        case "get":
            try check(query.caller, .viewer)
            return try FleetJSON.encode(
                try await report(query.job, kind: query.kind, after: after, limit: limit, bytes: Self.replyBytes))
        case "cancel":
            try check(query.caller, .operator)
            return try FleetJSON.encode(try await cancel(query.job, kind: query.kind, by: query.caller.uri))
        case "doorbells":
            try check(query.caller, .operator)
            return try FleetJSON.encode(try await doorbells(query.job, after: after, limit: max(1, limit)))
        default: throw Problem(404, .notFound, "fleet.jobs has the methods create, get, cancel and doorbells.")
        }
    }

    private func clients(_ call: BusCall) async throws -> [UInt8] {
        guard call.method == "select" else {
            throw Problem(404, .notFound, "fleet.clients has the method select.")
        }
        let order: SelectClients = try Self.decode(call)
        try check(order.caller, .viewer)
        var page = try await selectClients(
            order.selector, after: order.after.flatMap { ClientID($0) }, limit: min(max(1, order.limit), 500))
        var used = 256
        for (index, row) in page.items.enumerated() {
            used += try FleetJSON.encode(row).count + 1
            guard used > Self.replyBytes, index > 0 else { continue }
            page = Page(items: Array(page.items[..<index]), next: page.items[index - 1].id.description)
            break
        }
        return try FleetJSON.encode(page)
    }

    /// A component says for whom it asks; what that one may is decided here.
    private func check(_ caller: Caller, _ rank: FleetRole.Rank) throws(Problem) {
        guard let role = FleetRole(uri: caller.uri), case .admin(_, let given) = role, given >= rank else {
            throw Problem(403, .notAllowed, "Only administrators with the role \(rank.rawValue) may do that.")
        }
        if let problem = registry.refusal(of: role) { throw problem }
    }

    private static func decode<Value: Decodable>(_ call: BusCall) throws(Problem) -> Value {
        do {
            return try FleetJSON.decode(Value.self, from: call.payload)
        } catch {
            throw Problem(400, .invalid, "The payload is not what \(call.method) takes: \(error).")
        }
    }
}

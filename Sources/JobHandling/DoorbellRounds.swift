import Fleet
import Glibc
import Locks
import PluginKit

/// Rings the doorbells of a new job's clients, so that they fetch it now rather than with their next heartbeat. Nobody
/// waits for it, and a ring that fails loses nothing: jobs wait at the server.
final class DoorbellRounds: Sendable {
    private struct Round {
        var job: JobID
        var caller: Caller
    }

    private struct State {
        var waiting: [Round] = []
        var current: JobID?
        var isStopped = false
        var isQuiet = false
        var bucket: TokenBucket
    }

    /// Rounds that wait; what comes beyond is not rung for.
    private static let queueLimit = 64
    private static let ringsAtOnce = 32
    private static let pageSize = 200
    private static let ringTimeout = Duration.seconds(3)
    private static let headers: HeaderFields = ["Content-Type": "application/json"]

    private let kind: String
    private let host: Host
    private let jobs: FleetJobs
    private let identity: DialIdentity
    private let rings: Counter
    private let startedAt = SuspendingClock.now
    private let state: Locked<State>

    /// In init of the component, on the control thread.
    init(kind: String, perSecond: Int, identity: DialIdentity, host: Host) throws(PluginError) {
        self.kind = kind
        self.host = host
        self.identity = identity
        jobs = FleetJobs(host)
        rings = try host.counter(
            "fleet_doorbells_total", help: "Doorbells of clients that were rung, by what came of it.",
            labels: ["outcome"])
        state = Locked(State(bucket: TokenBucket(perSecond: perSecond, burst: min(perSecond, Self.ringsAtOnce))))
    }

    func begin(_ job: JobID, _ caller: Caller) {
        enum Step { case start, wait, refuse }
        let step = state.withLock { state -> Step in
            guard !state.isQuiet, state.waiting.count < Self.queueLimit else { return .refuse }
            state.waiting.append(Round(job: job, caller: caller))
            guard state.current == nil else { return .wait }
            state.current = job
            return .start
        }
        switch step {
        case .start: host.start { await self.goRound() }
        case .wait: break
        case .refuse: host.log.debug("No doorbell is rung for a job: too many wait.", ["job": "\(job)"])
        }
    }

    /// The job has ended.
    func stop(_ job: JobID) {
        state.withLock { state in
            state.waiting.removeAll { $0.job == job }
            if state.current == job { state.isStopped = true }
        }
    }

    func quiesce() {
        state.withLock { state in
            state.waiting = []
            state.isStopped = true
            state.isQuiet = true
        }
    }

    func resume() { state.withLock { $0.isQuiet = false } }

    private func goRound() async {
        while let round = next() {
            do {
                try await ring(round)
            } catch {
                host.log.debug("A round of doorbells was given up.", ["job": "\(round.job)", "reason": "\(error)"])
            }
        }
    }

    private func next() -> Round? {
        state.withLock { state in
            let round = state.waiting.isEmpty ? nil : state.waiting.removeFirst()
            state.current = round?.job
            state.isStopped = false
            return round
        }
    }

    private var isStopped: Bool { Task.isCancelled || state.withLock { $0.isStopped } }

    private func ring(_ round: Round) async throws {
        let client = try host.httpClient()
        let body = try FleetJSON.encode(FetchOrder(job: round.job))
        var after: String?
        repeat {
            let page = try await jobs.doorbells(
                JobQuery(caller: round.caller, job: round.job, kind: kind, after: after, limit: Self.pageSize))
            await ring(page.items, client, body)
            // One that names itself as the next would never end.
            after = page.next == after ? nil : page.next
        } while after != nil && !isStopped
    }

    private func ring(_ orders: [RingOrder], _ client: HTTPClient, _ body: [UInt8]) async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for order in orders {
                if running == Self.ringsAtOnce {
                    await group.next()
                    running -= 1
                }
                let pause = state.withLock { [now = SuspendingClock.now - startedAt] in $0.bucket.take(at: now) }
                if pause > .zero { try? await Task.sleep(for: pause) }
                if isStopped { break }
                running += 1
                group.addTask { await self.ring(order, client, body) }
            }
        }
    }

    private func ring(_ order: RingOrder, _ client: HTTPClient, _ body: [UInt8]) async {
        do {
            guard let url = Self.url(of: order) else {
                host.log.debug("A client's doorbell has no usable address.", ["client": "\(order.client)"])
                return rings.with("failed").add()
            }
            let identity = identity
            let peer = "\(FleetRole.client(order.client))"
            var request = HTTPRequest(
                url, method: "POST", headers: Self.headers, body: .bytes(body),
                tls: try await host.run { try identity.tls(expecting: peer) })
            request.connectTimeout = Self.ringTimeout
            request.totalTimeout = Self.ringTimeout
            let status = try await client.send(request, upTo: 16 << 10).status
            rings.with((200..<300).contains(status.rawValue) ? "answered" : "refused").add()
        } catch {
            rings.with("failed").add()
            host.log.debug("A doorbell was not answered.", ["client": "\(order.client)", "reason": "\(error)"])
        }
    }

    /// nil where the address, which the client itself reported, is not just an address or a name.
    static func url(of order: RingOrder) -> String? {
        guard (1...65535).contains(order.port), (1...253).contains(order.address.utf8.count) else { return nil }
        var address = in6_addr()
        if inet_pton(AF_INET6, order.address, &address) == 1 {
            return "https://[\(order.address)]:\(order.port)/v1/doorbell"
        }
        let isName = order.address.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isName ? "https://\(order.address):\(order.port)/v1/doorbell" : nil
    }
}

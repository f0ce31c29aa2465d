internal import Fleet
import Locks
import PluginKit

/// The company server's side: owns the fleet's store, answers clients and administrators over :50000, and the other
/// components of the host over the bus.
///
/// What is asked often is in memory (`ClientRegistry`), what has to last is in the store; jobs change in transactions of
/// `JobLedger`. While the store is closed, before activate and after release, every request is told to try again at once.
final class FleetServer: Sendable {
    let host: Host
    let options: ServerOptions
    let authority: FleetAuthority
    let identity: IdentityFolder
    let registry = ClientRegistry()
    let waiters = LeaseWaiters()
    let events: JobEvents
    let dispatcher: Dispatcher
    let metrics: FleetMetrics
    private let opened = Locked<(any FleetStore)?>(nil)
    private let timers = Locked<[PluginKit.Timer]>([])
    private let isTicking = Locked(false)
    /// What is wrong with the store, as it was last said.
    private let trouble = Locked<String?>(nil)
    /// Jobs that may not be handed out before a time.
    let later = LaterJobs()
    /// This machine's, where it is a client too.
    let ownClient: ClientID?

    init(
        host: Host, options: ServerOptions, authority: FleetAuthority,
        identity: IdentityFolder, ownClient: ClientID?
    ) throws {
        self.host = host
        self.options = options
        self.authority = authority
        self.identity = identity
        self.ownClient = ownClient
        events = JobEvents(host: host)
        metrics = try FleetMetrics(host: host)
        let waiters = waiters
        dispatcher = Dispatcher(rate: options.dispatchRate) { waiters.wake($0) }
    }

    var now: Timestamp { .now() }

    /// Throws where the store is not open: `handingOver`.
    func store() throws(Problem) -> any FleetStore {
        guard let store = opened.withLock({ $0 }) else {
            throw Problem(
                503, .handingOver, "ClientService hands over to a newer generation, or starts; try again at once.")
        }
        return store
    }

    // MARK: Life

    /// Opens the store and reads who is in the fleet. Blocks.
    func open(_ store: any FleetStore) throws {
        try admitOwnClient(to: store)
        try store.readBlocking { store in
            var after: ClientID?
            while case let page = try store.clients(after: after, limit: 1000), let last = page.last {
                registry.load(page)
                after = last.id
            }
            registry.load(revocations: try store.revocations())
            try later.load(from: store, at: now)
        }
        opened.withLock { $0 = store }
        waiters.reopen()
        dispatcher.restart()
        try startTimers()
    }

    private func startTimers() throws {
        let ticking = try host.startTimer(after: .seconds(1), every: .seconds(1)) { [self] in
            Task { await tick() }
        }
        let publishing = try host.startTimer(after: .milliseconds(250), every: .milliseconds(250)) { [self] in
            events.publish()
        }
        let tending = try host.startTimer(after: .seconds(5), every: .seconds(3600), jitter: .seconds(60)) { [self] in
            Task {
                await tendIdentity()
                await forgetOld()
            }
        }
        timers.withLock { $0 = [ticking, publishing, tending] }
    }

    func quiesce() {
        dispatcher.stop()
        waiters.endAll()
    }

    /// After it nothing is written: the next generation has the store.
    func close() throws {
        for timer in (timers.withLock { $0 }) { timer.cancel() }
        guard let store = opened.withLock({ $0.take() }) else { return }
        // What heartbeats said in the last second, doorbells among it, is not said again at once.
        let changed = registry.takeChanged()
        defer { try? store.close() }
        try store.writeBlocking { try $0.keep(changed) }
    }

    // MARK: Time

    /// Once a second: what is overdue, who is offline, what changed. Where the store keeps one busy, seconds are left out.
    private func tick() async {
        let isFree = isTicking.withLock { isTicking in
            defer { isTicking = true }
            return !isTicking
        }
        guard isFree else { return }
        defer { isTicking.withLock { $0 = false } }
        let now = now
        waiters.expire(at: .now)
        for (id, entry) in registry.expire(
            unheardSince: now - options.heartbeat * 3, except: { waiters.isWaiting($0) })
        {
            publish(FleetTopic.clientOffline, id, entry.name, entry.group)
        }
        metrics.note(waiting: waiters.count, registry)
        guard let store = try? store() else { return }
        do {
            while try await change(store, { try $0.expire(limit: 500) }) {}
            for job in later.take(dueAt: now) { try await dispatch(job, store) }
            try await flush(store)
            note(trouble: nil)
        } catch let error as StoreError where error.kind == .closed {
            return
        } catch {
            note(trouble: "\(error)")
        }
    }

    /// Says once what is wrong with the store, and once that it is well again.
    func note(trouble reason: String?) {
        let former = trouble.withLock { trouble in
            defer { trouble = reason }
            return trouble
        }
        if let reason, reason != former {
            host.log.error("The fleet's store cannot be written; what waits is tried again.", ["reason": reason])
        } else if reason == nil, former != nil {
            host.log.notice("The fleet's store can be written again.")
        }
    }

    /// Tells those that wait of a job whose time has come.
    private func dispatch(_ job: JobID, _ store: any FleetStore) async throws {
        var after: ClientID?
        while true {
            let last = after
            let page = try await store.read { try $0.openAssignments(of: job, after: last, limit: 500) }
            guard let end = page.last else { return }
            dispatcher.add(page.map(\.client).filter { waiters.isWaiting($0) })
            after = end.client
        }
    }

    /// Deletes what is older than the operator wants to keep, a few jobs at a time, so that nobody waits for it.
    private func forgetOld() async {
        guard let store = try? store() else { return }
        let time = now - options.keep
        do {
            while try await store.write({ try $0.deleteFinished(before: time, limit: 10) }) {}
        } catch let error as StoreError where error.kind == .closed {
            return
        } catch {
            note(trouble: "\(error)")
        }
    }

    /// Writes what heartbeats changed.
    private func flush(_ store: any FleetStore) async throws {
        var changed = registry.takeChanged()[...]
        while !changed.isEmpty {
            let part = changed.prefix(Self.flushedAtOnce)
            do {
                try await store.write { try $0.keep(part) }
            } catch {
                registry.putBack(changed.map(\.0))
                throw error
            }
            changed = changed.dropFirst(part.count)
        }
    }

    /// So that nobody waits long for the writer.
    private static let flushedAtOnce = 500

    // MARK: Changing jobs

    /// Runs a change of jobs in one transaction; afterwards tells those whom it concerns.
    func change<Value: Sendable>(
        _ store: any FleetStore, _ body: @escaping @Sendable (inout JobLedger) throws -> Value
    ) async throws -> Value {
        let lease = options.lease
        let (value, touched, called) = try await store.write { store in
            var ledger = JobLedger(store, at: .now(), lease: lease)
            let value = try body(&ledger)
            return (value, Array(ledger.touched.values), ledger.called)
        }
        for job in touched { events.note(job) }
        for client in called { waiters.wake(client) }
        return value
    }

    func publish(_ topic: String, _ client: ClientID, _ name: String, _ group: String) {
        let event = ClientEvent(client: client, name: name, group: group)
        guard let payload = try? FleetJSON.encode(event) else { return }
        try? host.publish(Topic(topic), payload)
    }
}

extension FleetTransaction {
    fileprivate func keep(_ changed: some Sequence<(ClientID, ClientRegistry.Entry)>) throws {
        for (id, entry) in changed { try update(id, heard: entry.heard) }
    }
}

extension ClientRecord {
    /// What is newer in memory.
    mutating func take(_ heard: HeardClient) {
        name = heard.name
        seenAt = heard.seenAt
        clockSkew = heard.clockSkew
        version = heard.version
        definitions = heard.definitions
        doorbells = heard.doorbells
        address = heard.address
    }
}

import Fleet
import Locks
import PluginJSON
import PluginKit
import UpdateFetching
import UpdateTrust

/// Looks at the upstream when it is time, when somebody says so, and again after a failure; one look at a time.
final class Mirror: Sendable {
    private struct State {
        var schedule: Schedule
        var standing = MirrorStanding()
        var isActive = false
        var timer: Timer?
        /// The look under way.
        var task: Task<Void, Never>?
        var number = 0
        /// Somebody asked for another while one was under way.
        var isWantedAgain = false
        var lastStart: SuspendingClock.Instant?
        var lastFullLook: SuspendingClock.Instant?
        var warnedOf: Int64 = 0
    }

    /// What becomes of a request to look now.
    enum Answer: Equatable {
        case started
        /// Another follows the one under way.
        case joined
        /// It begins soon: there was one just now.
        case later(Duration)
        case notActive
    }

    /// No look begins sooner than this after another, whoever asks.
    static let leastPause = Duration.seconds(5)

    private let host: Host
    private let upstream: Upstream
    private let folder: RepositoryFolder
    private let grace: Duration
    private let history: MirrorHistory
    private let metrics: ServiceMetrics
    private let published: @Sendable (MirrorRun.Outcome) -> Void
    private let state: Locked<State>

    /// - Parameter published: called when a new snapshot is visible, on any thread.
    init(
        _ upstream: Upstream, folder: RepositoryFolder, grace: Duration, schedule: Schedule, history: MirrorHistory,
        metrics: ServiceMetrics, host: Host, published: @escaping @Sendable (MirrorRun.Outcome) -> Void
    ) {
        self.upstream = upstream
        self.folder = folder
        self.grace = grace
        self.history = history
        self.metrics = metrics
        self.host = host
        self.published = published
        state = Locked(State(schedule: schedule))
    }

    var standing: MirrorStanding { state.withLock { $0.standing } }

    /// On the control thread: the first look is now.
    func activate() {
        state.withLock { state in
            state.isActive = true
            if let known = history.read() { state.standing = known }
            state.standing.state = .idle
        }
        wait(.zero)
    }

    /// Ends the look under way, so that the next generation's goes on where it stopped.
    func quiesce() {
        let (timer, task) = state.withLock { state in
            state.isActive = false
            state.isWantedAgain = false
            defer { state.timer = nil }
            return (state.timer, state.task)
        }
        timer?.cancel()
        task?.cancel()
    }

    func check() -> Answer {
        let now = SuspendingClock.now
        let (answer, timer) = state.withLock { state -> (Answer, Timer?) in
            guard state.isActive else { return (.notActive, nil) }
            if state.task != nil {
                state.isWantedAgain = true
                return (.joined, nil)
            }
            if let last = state.lastStart, now - last < Self.leastPause {
                defer { state.timer = nil }
                return (.later(Self.leastPause - (now - last)), state.timer)
            }
            defer { state.timer = nil }
            return (.started, state.timer)
        }
        timer?.cancel()
        switch answer {
        case .started: begin()
        case .later(let pause): wait(pause)
        case .joined, .notActive: break
        }
        return answer
    }

    private func wait(_ pause: Duration) {
        do throws(PluginError) {
            let timer = try host.startTimer(after: pause) { [weak self] in self?.begin() }
            let former = state.withLock { state in
                defer { state.timer = timer }
                state.standing.nextCheck = Timestamp.now() + pause
                return state.timer
            }
            former?.cancel()
        } catch {
            host.log.error("No more looks at the upstream: a timer could not be set.", ["reason": "\(error)"])
        }
    }

    private func begin() {
        let number = state.withLock { state -> Int? in
            guard state.isActive else { return nil }
            guard state.task == nil else {
                // One that was told to end, and has not yet, when the component was activated again.
                state.isWantedAgain = true
                return nil
            }
            state.timer = nil
            state.number += 1
            state.lastStart = SuspendingClock.now
            state.standing.state = .checking
            state.standing.lastCheck = .now()
            state.standing.nextCheck = nil
            // So that a second caller finds it taken; the real one takes its place.
            state.task = Task {}
            return state.number
        }
        guard let number else { return }
        host.start { [self] in
            let task = Task { await self.look() }
            let isActive = state.withLock { state in
                if state.number == number { state.task = task }
                return state.isActive
            }
            if !isActive { task.cancel() }
            await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
            finish()
        }
    }

    private func finish() {
        let (isActive, pause) = state.withLock { state -> (Bool, Duration) in
            state.task = nil
            defer { state.isWantedAgain = false }
            let pause =
                state.isWantedAgain
                ? Self.leastPause : state.schedule.next(after: state.standing.outcome, chance: .random(in: 0..<1))
            return (state.isActive, pause)
        }
        if isActive { wait(pause) }
    }

    private func look() async {
        let now = SuspendingClock.now
        // Files that were thought to be there are looked for once a day, and what is out of use is removed then.
        let often = min(grace, .seconds(86400))
        let isVerified = state.withLock { $0.lastFullLook.map { now - $0 < often } ?? false }
        var run = MirrorRun(upstream: upstream, folder: folder, grace: grace, isVerified: isVerified)
        let host = host
        run.blocking = { body in try await host.run { try body() } }
        let progress = TransferProgress { host.log.info("Targets are being fetched.", $0) }
        run.progress = { [weak self] fetched, missing, path in
            self?.state.withLock { $0.standing.state = .fetching }
            progress.tell(fetched, of: missing, path)
        }
        do throws(MirrorTrouble) {
            let outcome = try await run.run()
            succeeded(outcome, at: now)
        } catch {
            failed(error)
        }
        let standing = standing
        try? await host.run { [history] in history.write(standing) }
    }

    private func succeeded(_ outcome: MirrorRun.Outcome?, at now: SuspendingClock.Instant) {
        let former = state.withLock { state in
            defer { state.standing.error = nil }
            state.standing.state = .idle
            state.standing.lastSuccess = .now()
            state.standing.outcome = .succeeded
            if outcome != nil { state.lastFullLook = now }
            return state.standing.error
        }
        if former != nil { host.log.notice("The upstream can be mirrored again.", ["upstream": upstream.url]) }
        guard let outcome, outcome.isNew else { return metrics.checks.with("unchanged").add() }
        metrics.checks.with("published").add()
        metrics.fetched.add(Double(outcome.fetchedBytes))
        host.log.notice(
            "A new snapshot is published.",
            [
                "snapshot": "\(outcome.snapshot)", "targets": "\(outcome.targetCount)",
                "fetched_bytes": "\(outcome.fetchedBytes)", "upstream": upstream.url,
            ])
        published(outcome)
    }

    private func failed(_ trouble: MirrorTrouble) {
        if trouble.isCancelled {
            return state.withLock { state in
                state.standing.state = .idle
                state.standing.outcome = .failed(retryAfter: nil)
            }
        }
        let isLocked = trouble.cause == MirrorTrouble.locked
        let isNew = state.withLock { state -> Bool in
            let former = state.standing.error
            let isSame = former?.cause == trouble.cause && former?.role == trouble.role
            state.standing.state = .waiting
            state.standing.outcome = isLocked ? .locked : .failed(retryAfter: trouble.retryAfter)
            state.standing.error = UpdateTrouble(
                cause: trouble.cause, role: trouble.role, sentence: "\(trouble.sentence).",
                since: former?.since ?? .now())
            return !isSame
        }
        metrics.checks.with(isLocked ? "locked" : "failed").add()
        let fields: KeyValuePairs = ["cause": trouble.cause, "reason": "\(trouble)", "upstream": upstream.url]
        if isNew && !isLocked {
            host.log.warning("The upstream could not be mirrored; the last good snapshot stays.", fields)
        } else {
            host.log.info("The upstream could not be mirrored; the last good snapshot stays.", fields)
        }
    }
}

/// How the mirror stands, as the status tells it and as it is kept through restarts.
struct MirrorStanding: Codable, Sendable, Equatable {
    enum State: String, Codable, Sendable {
        case idle, checking, fetching
        /// After a failure.
        case waiting
    }

    var state = State.idle
    var lastCheck: Timestamp?
    var lastSuccess: Timestamp?
    var nextCheck: Timestamp?
    var error: UpdateTrouble?
    /// Of the last look: not kept.
    var outcome = Schedule.Outcome.succeeded

    private enum CodingKeys: String, CodingKey { case state, lastCheck, lastSuccess, nextCheck, error }
}

public import Fleet
import Locks
import PluginJSON
public import PluginKit

/// A workstation's side of a kind of job: serves `job.<kind>` to ClientService.
///
/// `run` answers when the work is done. It may be called again for the same job, since a call lasts an hour at most and
/// ClientService may be restarted: then it joins the work under way, or answers how it ended. Each job is carried out once;
/// what was under way when the component crashed or was reloaded begins anew.
public final class WorkDesk: Sendable {
    /// Carries a job out; ends early where it is asked to, and answers nil where there is nothing to say for that: the job
    /// is to be begun anew.
    public typealias Work = @Sendable (Offer, WorkStop) async -> Outcome?

    private struct Waiter: Sendable {
        var call: BusCall
        var attempt: Int
    }

    private struct State {
        var table = WorkUnderWay<Waiter>()
        /// Of the job that runs, or ran last.
        var stop: WorkStop?
        var timers: [Timer] = []

        /// For the job that begins now.
        mutating func renewStop() -> WorkStop {
            let new = WorkStop()
            stop = new
            return new
        }
    }

    /// After the time is over, until the job is given up though whoever carries it out is not back.
    private static let grace = Duration.seconds(30)

    private let kind: String
    private let host: Host
    private let finished: FinishedWork
    private let work: Work
    private let state = Locked(State())

    /// - Parameter folder: where the outcomes are kept, below the component's state directory.
    public init(kind: String, folder: String, host: Host, work: @escaping Work) {
        self.kind = kind
        self.host = host
        self.work = work
        finished = FinishedWork(folder: folder, log: host.log)
    }

    /// What a component that has one does on the bus.
    public static func busUses(kind: String, help: String) -> [BusUse] {
        [.serves(Service(FleetService.job(kind)), help: help)]
    }

    /// In prepare.
    public func prepare() throws(PluginError) {
        try host.serve(Service(FleetService.job(kind))) { [weak self] call in try self?.take(call) }
    }

    public func activate() {
        goOn { $0.resume() }
    }

    /// What waits will not begin, and what is under way ends without an outcome. Nobody is answered: the host tells callers
    /// that their calls are lost when this worker has ended, and they ask its successor; should this one be activated again
    /// instead, it begins anew what it had.
    public func quiesce() {
        let stop = state.withLock { state in
            state.table.suspend()
            return state.stop
        }
        stop?.stop(.handedOver)
    }

    // MARK: Calls

    /// On the control thread, so that a cancel never overtakes the run before it.
    private func take(_ call: BusCall) throws {
        switch call.method {
        case "run": try run(call)
        case "cancel": try cancel(call)
        default: throw CallFailure("'\(FleetService.job(kind))' has the methods run and cancel")
        }
    }

    private func run(_ call: BusCall) throws {
        let offer: Offer = try call.json()
        guard offer.kind == kind else { throw CallFailure("the job is of another kind than '\(kind)'") }
        let waiter = Waiter(call: call, attempt: offer.attempt)
        let (admission, stop) = state.withLock { state in
            let admission = state.table.run(offer, for: waiter)
            return (admission, admission == .begin ? state.renewStop() : nil)
        }
        if let stop { begin(offer, stop) }
        switch admission {
        case .begin: break
        case .joined: break
        case .queued: host.start { await self.answerWaiting(offer.job) }
        case .full: host.start { await self.answerFull(offer.job, waiter) }
        case .cancelled: host.start { await self.answerCancelled(offer.job, [waiter]) }
        }
    }

    /// One that was done before does not wait behind one that runs.
    private func answerWaiting(_ job: JobID) async {
        guard let outcome = await former(job) else { return }
        for waiter in state.withLock({ $0.table.takeWaiting(job) }) ?? [] { reply(outcome, to: waiter) }
    }

    private func answerFull(_ job: JobID, _ waiter: Waiter) async {
        let count = WorkUnderWay<Waiter>.queueLimit
        let refusal = Outcome(.failed, reason: "\(count) jobs of this kind wait on this machine already.")
        reply(await former(job) ?? refusal, to: waiter)
    }

    private func answerCancelled(_ job: JobID, _ waiters: [Waiter]) async {
        // It may be one that was done before and has only been asked for again.
        let former = await former(job)
        let outcome = former ?? Outcome(.cancelled, reason: "It was cancelled before it began.")
        if former == nil { await keep(outcome, of: job) }
        for waiter in waiters { reply(outcome, to: waiter) }
    }

    /// How the job ended when it was carried out here before.
    private func former(_ job: JobID) async -> Outcome? {
        let finished = finished
        return try? await host.run { finished.outcome(of: job) }
    }

    private func cancel(_ call: BusCall) throws {
        let order: FetchOrder = try call.json()
        let (cancellation, stop) = state.withLock { ($0.table.drop(order.job), $0.stop) }
        switch cancellation {
        case .unknown: break
        case .running: stop?.stop(.cancelled)
        case .dropped(let waiters): host.start { await self.answerCancelled(order.job, waiters) }
        }
        try call.reply(json: order)
    }

    // MARK: Work

    private func begin(_ offer: Offer, _ stop: WorkStop) {
        host.start { await self.carryOut(offer, stop) }
    }

    private func carryOut(_ offer: Offer, _ stop: WorkStop) async {
        if let outcome = await former(offer.job) {
            for waiter in state.withLock({ $0.table.end(offer.job) }) ?? [] { reply(outcome, to: waiter) }
            return release(offer.job)
        }
        guard let left = WorkLimit.left(for: offer, at: .now()) else {
            let reason = WorkLimit.sentence(for: offer, at: .now())
            await finish(offer, Outcome(.failed, reason: reason))
            return release(offer.job)
        }
        limit(offer, to: left, stop)
        let outcome = await work(offer, stop)
        for timer in state.withLock({ state in
            defer { state.timers = [] }
            return state.timers
        }) { timer.cancel() }
        if let outcome {
            await finish(offer, outcome)
            release(offer.job)
        } else {
            goOn { $0.putBack(offer.job) }
        }
    }

    private func limit(_ offer: Offer, to left: Duration, _ stop: WorkStop) {
        do {
            let first = try host.startTimer(after: left) {
                stop.stop(.outOfTime(WorkLimit.sentence(for: offer, at: .now())))
            }
            let last = try host.startTimer(after: left + Self.grace) { [host] in
                let reason = WorkLimit.sentence(for: offer, at: .now()) + " It did not end when it was asked to."
                host.start { await self.finish(offer, Outcome(.failed, reason: reason)) }
            }
            state.withLock { $0.timers = [first, last] }
        } catch {
            host.log.warning("A job runs without a limit of time.", ["job": "\(offer.job)", "reason": "\(error)"])
        }
    }

    /// The first outcome of a job is its outcome.
    private func finish(_ offer: Offer, _ outcome: Outcome) async {
        guard state.withLock({ $0.table.running?.offer.job == offer.job }) else { return }
        await keep(outcome, of: offer.job)
        for waiter in state.withLock({ $0.table.end(offer.job) }) ?? [] { reply(outcome, to: waiter) }
    }

    private func release(_ job: JobID) { goOn { $0.release(job) } }

    private func goOn(_ step: @Sendable (inout WorkUnderWay<Waiter>) -> Offer?) {
        // In one step, so that whoever cancels a job that runs always finds what ends it.
        let (next, stop) = state.withLock { state in
            let next = step(&state.table)
            return (next, next == nil ? nil : state.renewStop())
        }
        if let next, let stop { begin(next, stop) }
    }

    private func keep(_ outcome: Outcome, of job: JobID) async {
        let finished = finished
        // Where the component stops already, the job is begun anew by its successor.
        try? await host.run { finished.keep(outcome, of: job) }
    }

    // MARK: Replies

    private func reply(_ outcome: Outcome, to waiter: Waiter) {
        var outcome = outcome
        outcome.attempt = waiter.attempt
        do {
            try waiter.call.reply(json: outcome)
        } catch {
            waiter.call.fail("\(error)")
        }
    }
}

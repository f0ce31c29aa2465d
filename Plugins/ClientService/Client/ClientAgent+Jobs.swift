internal import Fleet
import PluginJSON
import PluginKit

extension ClientAgent {
    /// A job that was cut short as often as this by the end of its component or machine is given up: it may be what ends
    /// them.
    static let startLimit = 20
    /// Seconds that a component which was there may take to be started anew.
    private static let restartPatience = 90
    /// The longest that the bus waits.
    private static let callTimeout = Duration.seconds(3600)

    /// Sees to it that a job in the journal comes to its end: begins a task where there is none.
    func carryOut(_ id: JobID) {
        state.withLock { state in
            guard !state.isStopping, state.jobsUnderWay[id] == nil else { return }
            let turn = state.turn
            state.jobsUnderWay[id] = Task { await lead(id, turn) }
        }
    }

    /// Until it is settled: what ends early, a disk that is full, an identity that cannot be read, is tried again.
    private func lead(_ id: JobID, _ turn: Int) async {
        var backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            await goOn(id, turn)
            // An offer that was repeated meanwhile found this task under way, and left the entry to it.
            let isOver = state.withLock { state in
                guard journal.entry(id).map({ $0.isSettled }) ?? true else { return false }
                if state.turn == turn { state.forget(id) }
                return true
            }
            if isOver { break }
            try? await Task.sleep(for: backoff.next(using: &generator))
        }
        leaseBell.ring()
    }

    private func goOn(_ id: JobID, _ turn: Int) async {
        guard let entry = journal.entry(id) else { return }
        if entry.outcome == nil {
            guard await takeTurn(entry.offer) else { return }
            let outcome = await work(entry.offer)
            state.withLock { if $0.turn == turn { $0.busyKinds.remove(entry.offer.kind) } }
            guard let outcome, await keep(outcome, of: id) else { return }
        }
        await deliver(id)
        // What a poll found and what a sweep left behind is part of the machine's status.
        heartbeatBell.ring()
    }

    /// Jobs of one kind are carried out one after the other.
    private func takeTurn(_ offer: Offer) async -> Bool {
        await report(offer, .accepted, sequence: 1)
        while !Task.isCancelled {
            if state.withLock({ $0.busyKinds.insert(offer.kind).inserted }) { return true }
            try? await Task.sleep(for: .milliseconds(200))
        }
        return false
    }

    /// Writes the outcome down. False where the component stops before that: then the job is led on by the next
    /// generation.
    private func keep(_ outcome: Outcome, of id: JobID) async -> Bool {
        var backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            do {
                let journal = journal
                _ = try await host.run { try journal.finish(id, outcome) }
                return true
            } catch is JobJournal.Closed {
                return false
            } catch {
                host.log.error(
                    "A job's result could not be written; trying again.", ["job": "\(id)", "error": "\(error)"])
                try? await Task.sleep(for: backoff.next(using: &generator))
            }
        }
        return false
    }

    // MARK: The work

    /// nil where the component stops.
    private func work(_ offer: Offer) async -> Outcome? {
        if let end = await begin(offer) { return end }
        let reporting = Task { await reportProgress(offer) }
        defer { reporting.cancel() }
        var (unreachable, patience) = (0, 3)
        while !Task.isCancelled {
            do {
                let reply = try await host.call(
                    Service(FleetService.job(offer.kind)), "run", FleetJSON.encode(offer), timeout: Self.callTimeout)
                return try FleetJSON.decode(Outcome.self, from: reply)
            } catch let error as BusError {
                switch error.kind {
                // It goes on: join it.
                case .timedOut: continue
                // Its worker ended, and the next takes it up, unless the job is what ends them. That one does not know of a
                // wish to end it: the server says so again.
                case .lost:
                    state.withLock { _ = $0.cancelled.remove(offer.job) }
                    if let end = await begin(offer) { return end }
                    (unreachable, patience) = (0, Self.restartPatience)
                case .busy: try? await Task.sleep(for: .seconds(1))
                case .cancelled, .wrongState: return nil
                case .failed: return Outcome(.failed, reason: error.reason)
                case .unreachable, .notAllowed, .invalid, .unsupported:
                    unreachable += 1
                    guard unreachable > patience else {
                        try? await Task.sleep(for: .seconds(1))
                        continue
                    }
                    return isStopping
                        ? nil
                        : Outcome(
                            .failed,
                            reason:
                                "no component of the client carries out jobs of the kind '\(offer.kind)' (\(error.reason))"
                        )
                }
            } catch {
                return Outcome(
                    .failed,
                    reason: "the component that carries out '\(offer.kind)' gave an answer that is none: \(error)")
            }
        }
        return nil
    }

    /// Writes down that it begins. Its end, where it has begun too often or that cannot be written.
    private func begin(_ offer: Offer) async -> Outcome? {
        do {
            let journal = journal
            guard try await host.run({ try journal.start(offer.job) }) > Self.startLimit else { return nil }
            return Outcome(
                .failed, reason: "it was cut short \(Self.startLimit) times by the end of its component or its machine")
        } catch {
            return isStopping ? nil : Outcome(.failed, reason: "the client could not write to its disk: \(error)")
        }
    }

    /// How far it is, every few seconds; it may be lost.
    private func reportProgress(_ offer: Offer) async {
        var sequence = 2
        while !Task.isCancelled {
            await report(offer, .running, sequence: sequence, state.withLock { $0.progress[offer.job] })
            sequence += 1
            try? await Task.sleep(for: .seconds(5))
        }
    }

    private func report(
        _ offer: Offer, _ stage: ProgressReport.Stage, sequence: Int, _ progress: Progress? = nil
    ) async {
        let attempt = journal.entry(offer.job)?.offer.attempt ?? offer.attempt
        let report = ProgressReport(attempt: attempt, sequence: sequence, stage: stage, progress: progress)
        let answer: ProgressAnswer? = try? await uplink.post("/v1/jobs/\(offer.job)/progress", report)
        if answer?.cancel == true { leaseBell.ring() }
    }

    // MARK: The result

    /// Sends the outcome until the server has committed it.
    private func deliver(_ id: JobID) async {
        var backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled, let entry = journal.entry(id), !entry.isSettled, var outcome = entry.outcome {
            outcome.attempt = entry.offer.attempt
            do {
                let answer: OutcomeAnswer? = try await uplink.post("/v1/jobs/\(id)/result", outcome)
                if answer != nil { return await settle(id) }
            } catch let failure as Uplink.Failure {
                switch failure.problem?.code {
                case .notFound: return await settle(id)
                case .invalid where outcome.result != nil:
                    // Better a result without its details than none.
                    host.log.error(
                        "The company server refused a result's details.", ["job": "\(id)", "reason": failure.message])
                    outcome.result = nil
                    outcome.reason = "the company server refused the details: \(failure.message)"
                    if (try? await uplink.post("/v1/jobs/\(id)/result", outcome, as: OutcomeAnswer.self)) != nil {
                        return await settle(id)
                    }
                default: break
                }
                guard !isStopping else { return }
                if failure.problem?.code != .handingOver { note(failure: failure.message) }
                let pause = backoff.next(retryAfter: failure.retryAfter, using: &generator)
                if pause > .zero { try? await Task.sleep(for: pause) }
            } catch {
                return
            }
        }
    }

    private func settle(_ id: JobID) async {
        do {
            let journal = journal
            try await host.run { try journal.settle(id) }
        } catch {
            // It is sent once more at the next start, and the server knows that it has it.
            host.log.info(
                "That a result was committed could not be written down.", ["job": "\(id)", "error": "\(error)"])
        }
    }
}

extension ClientAgent.AgentState {
    /// A job has come to its end.
    fileprivate mutating func forget(_ id: JobID) {
        jobsUnderWay[id] = nil
        progress[id] = nil
        cancelled.remove(id)
    }
}

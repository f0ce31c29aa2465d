internal import Fleet
import PluginJSON
import PluginKit

extension ClientAgent {
    /// Asks for work, always: one request after the other, each held open by the server.
    func leases() async {
        var backoff = Backoff()
        /// Of a disk that takes no jobs.
        var disk = Backoff()
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            guard journal.hasRoom else {
                // What is held has to come to its end first.
                _ = await leaseBell.wait(.seconds(Int64(Self.busyWait)))
                continue
            }
            do {
                let answer = try await lease()
                backoff.reset()
                noteSuccess()
                guard let answer else { continue }
                switch await take(answer) {
                case .news: disk.reset()
                // What was asked for before takes its time.
                case .nothingNew: _ = await leaseBell.wait(.seconds(1))
                case .notWritten: _ = await leaseBell.wait(.seconds(1) + disk.next(using: &generator))
                }
            } catch is CancellationError {
                continue
            } catch {
                guard !isStopping else { return }
                let failure = error as? Uplink.Failure
                host.log.debug("A long poll has ended.", ["reason": failure?.message ?? "\(error)"])
                if failure?.problem?.code != .handingOver { note(failure: failure?.message ?? "\(error)") }
                let pause = backoff.next(retryAfter: failure?.retryAfter, using: &generator)
                if pause > .zero, await leaseBell.wait(pause) { backoff.reset() }
            }
        }
    }

    /// nil where there is nothing: ask again at once.
    private func lease() async throws -> LeaseAnswer? {
        let held = journal.open.map(\.offer.job)
        let wait = held.isEmpty ? Self.idleWait : Self.busyWait
        let client = (try? uplink.identity())?.peer.client
        let request = LeaseRequest(instance: state.withLock { $0.instance }, held: held, waitSeconds: wait)
        let task = Task { [uplink] in
            try await uplink.post("/v1/jobs/lease", request, as: LeaseAnswer.self, wait: .seconds(Int64(wait)))
        }
        state.withLock { state in
            state.leaseTask = task
            state.leaseClient = client
        }
        defer { state.withLock { $0.leaseTask = nil } }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    private enum Taken { case news, nothingNew, notWritten }

    private func take(_ answer: LeaseAnswer) async -> Taken {
        var isNews = false
        var isWritten = true
        for offer in answer.offers {
            do {
                let journal = journal
                let acceptance = try await host.run { try journal.accept(offer) }
                isNews = true
                if acceptance == .known { continue }
                carryOut(offer.job)
            } catch {
                // It stays with the server, which offers it again.
                isWritten = false
                host.log.error("A job could not be accepted.", ["job": "\(offer.job)", "error": "\(error)"])
            }
        }
        for job in answer.cancels + answer.forget {
            // What has an outcome is reported, wanted or not: then the server has the last word.
            guard let entry = journal.entry(job), entry.outcome == nil else { continue }
            let isFirst = state.withLock { $0.cancelled.insert(job).inserted }
            guard isFirst else { continue }
            if await cancel(entry.offer) {
                isNews = true
            } else {
                // The server says so again.
                state.withLock { _ = $0.cancelled.remove(job) }
            }
        }
        return !isWritten ? .notWritten : isNews ? .news : .nothingNew
    }

    /// False where its component could not be told.
    private func cancel(_ offer: Offer) async -> Bool {
        do {
            _ = try await host.call(
                Service(FleetService.job(offer.kind)), "cancel", FleetJSON.encode(FetchOrder(job: offer.job)),
                timeout: .seconds(30))
            return true
        } catch {
            host.log.info(
                "A job's component could not be told to end it.", ["job": "\(offer.job)", "reason": "\(error)"])
            return false
        }
    }
}

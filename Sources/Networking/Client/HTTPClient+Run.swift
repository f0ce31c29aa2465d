internal import CCurl
internal import Glibc
import Locks
import Synchronization

extension HTTPClient {
    /// What the client's thread knows.
    struct Turn {
        /// In the order they were started.
        var waiting: [HTTPTransfer] = []
        /// By libcurl's handle.
        var running: [UnsafeMutableRawPointer: HTTPTransfer] = [:]
        /// When to look at deadlines again. CLOCK_MONOTONIC, nanoseconds, as are all times here.
        var nextDeadline = UInt64.max
    }

    /// The longest wait; nothing depends on it.
    private static let longestWait: UInt64 = 60_000_000_000

    /// Carries transfers out until `close`; then ends them all and returns.
    public func run() {
        while takeCommands() {
            startWaiting()
            // In callbacks from here the plugin is called.
            let code = ccurl_multi_perform(multi)
            if code != CURLM_OK { breakOff(String(cString: ccurl_multi_error_text(code))) }
            takeEnded()
            lookAtDeadlines()
            wait()
        }
        endAll()
    }

    /// False: the client was closed.
    private func takeCommands() -> Bool {
        let (commands, isClosed) = shared.withLock { shared in
            defer { shared.commands = [] }
            return (shared.commands, shared.isClosed)
        }
        for command in commands {
            switch command {
            case .start(let transfer):
                transfer.startedAt = Self.now()
                turn.waiting.append(transfer)
                turn.nextDeadline = 0
            case .look(let id): look(at: id)
            }
        }
        return !isClosed
    }

    private func look(at id: UInt64) {
        guard let transfer = shared.withLock({ $0.live[id] }) else { return }
        if transfer.isCancelled.load(ordering: .relaxed) {
            end(transfer, TransferFailure(.cancelled, "The transfer was cancelled."))
        } else {
            turn.nextDeadline = 0
            if let failure = transfer.resume(at: Self.now()) { end(transfer, failure) }
        }
    }

    private func startWaiting() {
        while turn.running.count < limits.running, !turn.waiting.isEmpty {
            begin(turn.waiting.removeFirst(), isFresh: false)
        }
    }

    private func begin(_ transfer: HTTPTransfer, isFresh: Bool) {
        let now = Self.now()
        turn.nextDeadline = 0
        guard let handle = transfer.begin(self, isFresh: isFresh, at: now) else {
            return end(transfer, TransferFailure(.failed, "There is no memory for the transfer."))
        }
        turn.running[handle] = transfer
        let code = ccurl_multi_add(multi, handle)
        if code != CURLM_OK {
            end(transfer, TransferFailure(.failed, "libcurl: \(String(cString: ccurl_multi_error_text(code)))."))
        }
    }

    /// What libcurl says has ended: it runs again, or is over.
    private func takeEnded() {
        var code = CURLE_OK
        while let handle = ccurl_multi_ended(multi, &code) {
            guard let transfer = turn.running.removeValue(forKey: handle) else { continue }
            let outcome = transfer.outcome(code)
            _ = ccurl_multi_remove(multi, handle)
            switch outcome {
            case .again(let isFresh): begin(transfer, isFresh: isFresh)
            case .over(let failure): end(transfer, failure)
            }
        }
    }

    /// Takes a transfer out, wherever it is, and tells the plugin.
    private func end(_ transfer: HTTPTransfer, _ failure: TransferFailure?) {
        if let handle = transfer.handle, turn.running.removeValue(forKey: handle) != nil {
            _ = ccurl_multi_remove(multi, handle)
        } else if !turn.waiting.isEmpty {
            turn.waiting.removeAll { $0 === transfer }
        }
        // Before the call: from within it the number is of something that has ended.
        guard shared.withLock({ $0.live.removeValue(forKey: transfer.id) }) != nil else { return }
        transfer.end(failure)
    }

    private func breakOff(_ reason: String) {
        for transfer in Array(turn.running.values) {
            end(transfer, TransferFailure(.failed, "libcurl cannot go on: \(reason)."))
        }
    }

    private func endAll() {
        // Commands that came before the close may hold transfers that were never taken.
        for transfer in shared.withLock({ shared in shared.live.values.sorted { $0.id < $1.id } }) {
            end(transfer, TransferFailure(.cancelled, "The component stops."))
        }
    }

    // MARK: Time

    /// Ends what is overdue, and finds out when to look again. Deadlines only ever move away, but for those of a transfer
    /// that begins or goes on, which sets `nextDeadline`.
    private func lookAtDeadlines() {
        let now = Self.now()
        guard now >= turn.nextDeadline else { return }
        turn.nextDeadline = .max
        var overdue: [(HTTPTransfer, TransferFailure)] = []
        for transfer in turn.waiting + Array(turn.running.values) {
            let (deadline, failure) = transfer.deadline(at: now)
            if deadline <= now, let failure { overdue.append((transfer, failure)) }
            turn.nextDeadline = min(turn.nextDeadline, deadline)
        }
        for (transfer, failure) in overdue { end(transfer, failure) }
        if !overdue.isEmpty { turn.nextDeadline = 0 }
    }

    private func wait() {
        let now = Self.now()
        let left = min(turn.nextDeadline &- min(turn.nextDeadline, now), Self.longestWait)
        // What is free for one that waits is filled at the next turn, at once.
        let isReady = turn.running.count < limits.running && !turn.waiting.isEmpty
        _ = ccurl_multi_wait(multi, isReady ? 0 : CInt((left + 999_999) / 1_000_000))
    }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

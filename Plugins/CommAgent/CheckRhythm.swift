import Locks
import PluginKit

/// When updates are looked for: one check at a time, the next by a timer that is set when it has ended. Usable from any
/// thread.
final class CheckRhythm: Sendable {
    /// How soon a set is tried again that waits for its test, and how soon the distributors are asked again where none had
    /// what is needed; twice as long each time, up to the interval.
    static let firstWait = Duration.seconds(5)
    /// How often it is looked whether somebody has switched to another set.
    static let lookInterval = Duration.seconds(10)

    private struct State {
        var isOpen = false
        var isRunning = false
        /// Another check was asked for while one ran.
        var isWanted = false
        /// The snapshot that the next check should find.
        var snapshot: Int?
        /// Checks in a row that came to nothing.
        var waits = 0
        var timer: Timer?
        var look: Timer?
    }

    private let interval: Duration
    private let updater: Updater
    private let host: Host
    private let checks: Counter
    private let bytes: Gauge
    private let state = Locked(State())

    init(interval: Duration, _ updater: Updater, _ host: Host) throws {
        self.interval = interval
        self.updater = updater
        self.host = host
        checks = try host.counter(
            "update_checks_total", help: "Looks for updates, by how they ended.", labels: ["outcome"])
        bytes = try host.gauge(
            "update_fetched_bytes", help: "Bytes of updates that were ever fetched, by kind.", unit: "bytes",
            labels: ["kind"])
    }

    /// Looks at once, and from now on.
    func begin() {
        state.withLock { $0.isOpen = true }
        let look = try? host.startTimer(after: Self.lookInterval, every: Self.lookInterval) { [updater, host] in
            host.start { await updater.notice() }
        }
        state.withLock { $0.look = look }
        checkNow()
    }

    /// Takes no new checks.
    func end() {
        let timers = state.withLock { state in
            state.isOpen = false
            defer { (state.timer, state.look) = (nil, nil) }
            return [state.timer, state.look]
        }
        for timer in timers { timer?.cancel() }
    }

    /// False: one is under way, and another follows it.
    /// - Parameter snapshot: what it should find; nil: the newest there is.
    @discardableResult
    func checkNow(wanting snapshot: Int? = nil) -> Bool {
        let (begins, timer) = state.withLock { state -> (Bool, Timer?) in
            guard state.isOpen else { return (false, nil) }
            if let snapshot { state.snapshot = max(snapshot, state.snapshot ?? 0) }
            if state.isRunning {
                state.isWanted = true
                return (false, nil)
            }
            state.isRunning = true
            defer { state.timer = nil }
            return (true, state.timer)
        }
        timer?.cancel()
        if begins { host.start { [self] in await run() } }
        return begins
    }

    private func run() async {
        let wanted = state.withLock { $0.snapshot.take() }
        let outcome = await updater.check(wanting: wanted)
        checks.with("\(outcome)").add()
        let standing = await updater.standing()
        bytes.with("delta").set(Double(standing.deltaBytes ?? 0))
        bytes.with("full").set(Double(standing.fullBytes ?? 0))
        let again = state.withLock { state -> Bool in
            state.isRunning = false
            defer { state.isWanted = false }
            if outcome == .behind, let wanted { state.snapshot = max(wanted, state.snapshot ?? 0) }
            state.waits = [.behind, .waiting, .failed].contains(outcome) ? state.waits + 1 : 0
            return state.isWanted && state.isOpen
        }
        if again { checkNow() } else { setTimer() }
    }

    private func setTimer() {
        let waits = state.withLock { $0.isOpen ? $0.waits : nil }
        guard let waits else { return }
        let delay = waits > 0 ? min(interval, Self.firstWait * (1 << min(waits - 1, 12))) : interval
        do {
            let timer = try host.startTimer(after: delay, jitter: delay / 5) { [self] in checkNow() }
            let isLate = state.withLock { state in
                if state.isOpen, !state.isRunning { state.timer = timer }
                return !state.isOpen
            }
            if isLate { timer.cancel() }
        } catch {
            host.fail("No timer for the next look for updates: \(error)")
        }
    }
}

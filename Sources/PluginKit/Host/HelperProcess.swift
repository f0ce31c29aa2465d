import Glibc
import Locks
import MusterABI

/// A helper that runs, or has run. When the last reference to it goes, its socket is closed, by which a helper knows that
/// nobody needs it; the process itself is ended by `end`, or with the component.
public final class HelperProcess: Sendable {
    /// How a helper ended.
    public enum Ending: Sendable, Equatable {
        case exited(Int32)
        /// By the signal of this number.
        case signalled(Int32)
    }

    /// The component's end of its socket (SOCK_SEQPACKET): non-blocking, close-on-exec. Never close it; it is closed with
    /// this object.
    public let socket: CInt
    private let launch: HelperLaunch

    init(socket: CInt, launch: HelperLaunch) {
        self.socket = socket
        self.launch = launch
    }

    deinit { close(socket) }

    /// How it ended; nil while it runs.
    public var ending: Ending? { launch.ending }

    /// Waits until it has ended.
    public func wait() async -> Ending {
        await withCheckedContinuation { continuation in
            launch.whenEnded { continuation.resume(returning: $0) }
        }
    }

    /// Calls `body` once when it has ended: on the control thread, or at once where it has ended already.
    public func whenEnded(_ body: @escaping @Sendable (Ending) -> Void) { launch.whenEnded(body) }

    /// Ends it: SIGTERM now, and SIGKILL if it is still there after `grace`; without one, SIGKILL now. `wait` tells when
    /// it is gone.
    public func end(grace: Duration = .zero) { launch.end(grace: grace.wholeNanoseconds) }
}

/// A helper from the request to its end: whom the host's callbacks reach.
final class HelperLaunch: Sendable {
    private struct State {
        var started: (@Sendable (Result<HelperProcess, PluginError>) -> Void)?
        var ending: HelperProcess.Ending?
        var waiters: [@Sendable (HelperProcess.Ending) -> Void] = []
        var number: muster_process_id = 0
    }

    private let link: HostLink
    private let name: String
    private let state: Locked<State>

    init(_ name: String, _ link: HostLink, started: @escaping @Sendable (Result<HelperProcess, PluginError>) -> Void) {
        self.name = name
        self.link = link
        state = Locked(State(started: started))
    }

    var ending: HelperProcess.Ending? { state.withLock { $0.ending } }

    func whenEnded(_ body: @escaping @Sendable (HelperProcess.Ending) -> Void) {
        let ending = state.withLock { state -> HelperProcess.Ending? in
            if state.ending == nil { state.waiters.append(body) }
            return state.ending
        }
        if let ending { body(ending) }
    }

    func end(grace: UInt64) {
        let number = state.withLock { $0.number }
        guard number != 0, link.isOpen, let process = link.process else { return }
        _ = process.end(process.context, number, grace)
    }

    // MARK: From the host

    func didStart(_ number: muster_process_id, socket: CInt) {
        let process = HelperProcess(socket: socket, launch: self)
        let started = state.withLock { state in
            state.number = number
            return state.started.take()
        }
        started?(.success(process))
    }

    func didFail(_ reason: String) {
        let started = state.withLock { $0.started.take() }
        started?(.failure(PluginError("The helper \(name) could not be started: \(reason)")))
    }

    func didEnd(_ ending: HelperProcess.Ending) {
        let waiters = state.withLock { state in
            state.ending = ending
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter(ending) }
    }
}

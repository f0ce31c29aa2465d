internal import ControlProtocol
internal import Locks
internal import MusterABI
internal import Networking

/// `muster.http-client/1` of one component. libcurl is loaded, and the client's thread started, when the plugin first asks
/// for the table: a worker that fetches nothing carries neither.
///
/// The thread is no event loop to the watchdog: a callback that blocks stalls this component's transfers, which only the
/// component notices.
final class HTTPClientExtension: @unchecked Sendable {
    // Safe to share: the table is made in init and only read from then on; what changes is behind a lock.

    private enum State {
        case unasked
        /// This machine lacks what it takes; the plugin has been told so.
        case absent
        case running(HTTPClient, WorkerThread)
        case stopped(HTTPClient?)

        var client: HTTPClient? {
            switch self {
            case .running(let client, _): client
            case .stopped(let client): client
            case .unasked, .absent: nil
            }
        }
    }

    private let state = Locked(State.unasked)
    /// Tells the operator why there is no client.
    private let complain: @Sendable (_ sentence: String) -> Void
    private var storage: TableStorage<muster_http_client>?

    init(complain: @escaping @Sendable (_ sentence: String) -> Void) {
        self.complain = complain
        storage = TableStorage(Self.makeTable(context: Unmanaged.passUnretained(self).toOpaque()))
    }

    /// What a plugin gets that asks for the extension; nil where this machine cannot offer it. The first call takes some
    /// milliseconds. From any thread.
    func findTable() -> UnsafePointer<muster_http_client>? {
        var complaint: String?
        // Held while libcurl is loaded, which calls nothing of ours: who asks at the same time gets the same answer.
        let isThere = state.withLock { state in
            switch state {
            case .running: return true
            case .absent: return false
            case .stopped(let client): return client != nil
            case .unasked: break
            }
            do {
                state = try Self.start()
                return true
            } catch {
                complaint = "\(MUSTER_EXT_HTTP_CLIENT) is not available: \(error)"
                state = .absent
                return false
            }
        }
        if let complaint { complain(complaint) }
        return isThere ? storage?.pointer : nil
    }

    private struct Absence: Error, CustomStringConvertible { var description: String }

    private static func start() throws -> State {
        if let reason = HTTPClient.unavailability { throw Absence(description: reason) }
        guard let client = HTTPClient(userAgent: "Muster/\(HostVersion.current)") else {
            throw Absence(description: "libcurl gives no handle")
        }
        return .running(client, try WorkerThread(name: "http-client") { client.run() })
    }

    /// Cancels every transfer, and returns when the last has told its plugin so. Repeatable. [control thread]
    func stop() {
        let (client, thread) = state.withLock { state -> (HTTPClient?, WorkerThread?) in
            let former = state
            state = .stopped(former.client)
            if case .running(let client, let thread) = former { return (client, thread) }
            return (nil, nil)
        }
        client?.close()
        thread?.join()
    }

    // MARK: For the plugin, on any thread

    static func of(_ context: UnsafeMutableRawPointer?) -> HTTPClientExtension? {
        context.map { Unmanaged<HTTPClientExtension>.fromOpaque($0).takeUnretainedValue() }
    }

    var client: HTTPClient? { state.withLock { $0.client } }
}

import ControlProtocol
import Glibc

/// A worker of the host without its supervisor, so that it can run under valgrind: this program speaks the supervisor's
/// part of the control protocol to it.
final class BareWorker {
    let endpoint: Endpoint
    let process: Child
    private let channel: ControlChannel
    private let folder: String

    /// Loads `plugin` as `component` and lets it accept on a port of 127.0.0.1. It stays the user that runs this.
    /// - Parameter program: the host's binary.
    init(
        _ bench: Bench, program: String, component: String, listener: String, plugin: String, under prefix: [String]
    ) throws {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw BenchError("socketpair: \(describe(errno: errno))")
        }
        let theirs = Descriptor(owning: ends[1])
        let ours = Descriptor(owning: ends[0])
        _ = fcntl(ours.rawValue, F_SETFL, O_NONBLOCK)
        folder = try bench.scratch.folder("bare-worker-\(monotonicNow())")
        process = try Child(
            prefix + [program, "worker"], output: "\(folder)/output", control: theirs.rawValue)
        channel = ControlChannel(ours)
        endpoint = Endpoint(port: try bench.ports.next())
        let worker = WorkerPlan.Plugin(component: component, path: plugin, stateDirectory: folder)
        try send(
            .load(
                WorkerPlan(
                    name: component, generation: 1, plugins: [worker], privileges: Privileges(), loopCount: 1,
                    logLevel: .warning, isDebugging: true)))
        guard case .loaded = try next() else { throw BenchError("the bare worker did not load \(plugin)") }
        let plan = ListenerPlan(name: listener, transport: .http, clientCertificate: .none, maxConnections: 1000)
        try send(.prepare([ComponentPlan(component: component, options: [:], listeners: [plan])]))
        guard case .listenerRequest = try next() else { throw BenchError("the bare worker asked for no listener") }
        let socket = Descriptor(owning: try Self.listeningSocket(endpoint))
        try send(
            .listenerGranted(component: component, listener: listener, addresses: ["\(endpoint)"], credentials: nil),
            [socket.rawValue])
        guard case .ready = try next() else { throw BenchError("the bare worker did not become ready") }
        try send(.activate([:]))
        guard case .activated = try next() else { throw BenchError("the bare worker did not activate") }
    }

    /// Lets it stop and exit, and gives its exit status.
    func stop() throws -> Int32 {
        try send(.stop)
        return try poll("the bare worker exits", within: 60) {
            // Its last words are read, so that it never waits for room to write them.
            _ = try? channel.receive(WorkerReport.self)
            return process.exited()
        }
    }

    private func send(_ command: WorkerCommand, _ descriptors: [Int32] = []) throws {
        try channel.send(command, descriptors: descriptors)
        try poll("the bare worker reads", within: 60) {
            if channel.hasPendingOutput { try channel.flush() }
            return channel.hasPendingOutput ? nil : ()
        }
    }

    /// The end of what it wrote.
    private var said: String { String((Files.text("\(folder)/output") ?? "").suffix(1000)) }

    /// The next report that is not a pulse or a log line.
    private func next() throws -> WorkerReport {
        try poll("the bare worker answers", within: 120) {
            // Looked at before the channel, so that a dead worker's last report is still read.
            let ended = process.exited()
            while let received = try channel.receive(WorkerReport.self) {
                switch received.message {
                case .pulse, .log, .calling, .stalled: continue
                case .failed(let failure): throw BenchError("the bare worker failed: \(failure.message)")
                default: return received.message
                }
            }
            if let ended { throw BenchError("the bare worker ended with \(ended): \(said)") }
            return nil
        }
    }

    private static func listeningSocket(_ endpoint: Endpoint) throws -> Int32 {
        let descriptor = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw BenchError("socket: \(describe(errno: errno))") }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard endpoint.withSocketAddress({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, 4096) == 0 else {
            let number = errno
            close(descriptor)
            throw BenchError("cannot listen on \(endpoint): \(describe(errno: number))")
        }
        return descriptor
    }
}

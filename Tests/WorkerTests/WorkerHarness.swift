@testable import Worker
import Locks
import CLinux
import ControlProtocol
import FoundationEssentials
import Glibc
import MusterABI
import PluginManifest
import Synchronization
import Testing

/// A worker on a thread of the test process, and the supervisor's end of its link.
final class WorkerHarness {
    let queue: ControlQueue
    let engine = TestEngine()
    private let supervisor: ControlChannel
    private let link: SupervisorLink
    private let ending = Ending()

    /// How the worker's thread ended.
    private final class Ending: Sendable {
        private let exit = Locked<Worker.Exit?>(nil)
        private let ended = Semaphore()

        func set(_ exit: Worker.Exit) {
            self.exit.withLock { $0 = exit }
            ended.signal()
        }

        func wait() -> Worker.Exit? {
            ended.wait()
            return exit.withLock { $0 }
        }
    }

    /// Starts a worker with these plugins, by component.
    init(_ plugins: KeyValuePairs<String, TestPlugin>, logLevel: LogLevel = .info, stateDirectory: String = "/state")
        throws
    {
        var numbers: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &numbers) == 0)
        supervisor = ControlChannel(Descriptor(owning: numbers[0]))
        let link = try SupervisorLink(Descriptor(owning: numbers[1]))
        self.link = link
        queue = try ControlQueue()
        let plan = WorkerPlan(
            name: "test", generation: 3,
            plugins: plugins.map { .init(component: $0.key, path: $0.key, stateDirectory: stateDirectory) },
            privileges: Privileges(), loopCount: 1, logLevel: logLevel, isDebugging: false)
        let byPath = Dictionary(uniqueKeysWithValues: plugins.map { ($0.key, $0.value) })
        let vitals = WorkerVitals()
        vitals.watch(engine)
        let thread = try WorkerThread(name: "worker") { [queue, engine, ending] in
            let worker = Worker(plan, link: link, queue: queue, vitals: vitals, engine: engine) {
                path throws(PluginProblem) in
                guard let plugin = byPath[path] else { throw PluginProblem("no such plugin") }
                return PluginLibrary(path: path, reading: plugin.reading)
            }
            ending.set(worker.run())
        }
        thread.detach()
        guard case .loaded = try nextReport() else { throw HarnessFailure("the worker did not load") }
    }

    func command(_ command: WorkerCommand, _ descriptors: [Descriptor] = []) {
        queue.post(.command(command, descriptors))
    }

    /// Prepares the components with these options and listeners; the next report tells what came of it.
    func prepare(_ components: [String], options: [String: OptionValue] = [:], listeners: [ListenerPlan] = []) {
        command(.prepare(components.map { ComponentPlan(component: $0, options: options, listeners: listeners) }))
    }

    /// Prepares and activates.
    func bringUp(_ components: [String], options: [String: OptionValue] = [:]) throws {
        prepare(components, options: options)
        #expect(try nextReport() == .ready)
        command(.activate([:]))
        #expect(try nextReport() == .activated)
    }

    /// The next report that is no log line and names no call; both are kept.
    func nextReport() throws -> WorkerReport {
        while true {
            switch try nextOfAnyKind() {
            case .log(let record): records.append(record)
            case .calling(let component, let stage): calls.append("\(component).\(stage.rawValue)")
            case let report: return report
            }
        }
    }

    /// The plugin's functions that were said to be called, as far as reports were read: `A.prepare`.
    private(set) var calls: [String] = []

    /// The log so far, as far as reports were read.
    private(set) var records: [LogRecord] = []

    private func nextOfAnyKind() throws -> WorkerReport {
        let deadline = MonotonicTime.now + 20 * MonotonicTime.second
        while true {
            if let received = try supervisor.receive(WorkerReport.self) { return received.message }
            guard MonotonicTime.now < deadline else { throw HarnessFailure("the worker reports nothing") }
            // What a worker's reader thread does for output that the socket did not take at once.
            link.flush()
            var entry = pollfd(fd: supervisor.rawDescriptor, events: Int16(POLLIN), revents: 0)
            _ = clinux_poll(&entry, 1, 20 * MonotonicTime.millisecond)
        }
    }

    /// Reads the log lines and calls that wait, once the worker has ended.
    func readRemainingLog() throws {
        while let received = try supervisor.receive(WorkerReport.self) {
            switch received.message {
            case .log(let record): records.append(record)
            case .calling(let component, let stage): calls.append("\(component).\(stage.rawValue)")
            default: break
            }
        }
    }

    /// Waits for the worker's end.
    func waitForExit() -> Worker.Exit? { ending.wait() }

    func stop() -> Worker.Exit? {
        command(.stop)
        return waitForExit()
    }
}

struct HarnessFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// An HTTP engine without loops, which notes what is asked of its servers.
final class TestEngine: HTTPEngine {
    let loopCount = 1
    private let tick = Atomic<UInt64>(.max)
    private let servers = Locked<[TestServer]>([])
    /// Whether servers say that they have drained, or leave it to the deadline.
    let drains = Atomic(true)

    var oldestTick: UInt64 { tick.load(ordering: .relaxed) }
    func takeMaximumLag() -> UInt64 { 0 }
    func setOldestTick(_ time: UInt64) { tick.store(time, ordering: .relaxed) }

    /// What the server of a component was asked for.
    func calls(of component: String) -> [String] {
        servers.withLock { $0.first { $0.component == component } }?.calls ?? []
    }

    func makeServer(
        component: String, listeners: [ListenerPlan], isPreparing: @escaping () -> Bool,
        obtain: @escaping (_ listener: String) throws -> HTTPGrant
    ) -> any HTTPServing {
        let server = TestServer(component: component, drains: drains.load(ordering: .relaxed))
        servers.withLock { $0.append(server) }
        return server
    }
}

final class TestServer: HTTPServing, @unchecked Sendable {
    // Safe to share: the table is made in init and only read from then on; the rest is behind a lock.
    let component: String
    private let drains: Bool
    private let storage = TableStorage(muster_http_server())
    private let journal = Locked<[String]>([])
    var lostListener: String? { nil }

    init(component: String, drains: Bool) {
        self.component = component
        self.drains = drains
    }

    var table: UnsafePointer<muster_http_server> { storage.pointer }
    var activity: [ListenerActivity] { [] }
    var calls: [String] { journal.withLock { $0 } }

    func startAccepting() { note("start") }
    func pauseAccepting() { note("pause") }
    func stopCallbacks() { note("stop") }
    func replaceCredentials(of listener: String, with credentials: TLSCredentials) {
        note("credentials of \(listener)")
    }

    func drain(deadline: UInt64, whenDone: @escaping @Sendable () -> Void) {
        note("drain")
        if drains { whenDone() }
    }

    private func note(_ call: String) { journal.withLock { $0.append(call) } }
}

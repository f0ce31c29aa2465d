@testable import Worker
import ControlProtocol
import Glibc
import Testing

/// The worker as a process: what it is after the drop of privileges, and what ends it.
@Suite struct WorkerProcessTests {
    private static let isRoot = geteuid() == 0
    private static let nobody: UInt32 = 65_534

    private func plan(
        _ privileges: Privileges = Privileges(), plugins: [WorkerPlan.Plugin] = [], isDebugging: Bool = false
    ) -> WorkerPlan {
        WorkerPlan(
            name: "UpdateDistributor", generation: 1, plugins: plugins, privileges: privileges, loopCount: 1,
            logLevel: .info, isDebugging: isDebugging)
    }

    private func owner(of path: String) -> uid_t? {
        var information = stat()
        return stat(path, &information) == 0 ? information.st_uid : nil
    }

    // MARK: Privileges

    @Test(.enabled(if: isRoot)) func givesUpEveryPrivilegeForGood() throws {
        let privileges = Privileges(userID: Self.nobody, groupID: Self.nobody)
        let worker = try WorkerProcess(plan(privileges))
        #expect(try worker.nextReport() == .loaded([]))
        let status = try worker.fields(of: "status")
        let nobodies = [String](repeating: "\(Self.nobody)", count: 4).joined(separator: "\t")
        #expect(status["Uid"] == nobodies)
        #expect(status["Gid"] == nobodies)
        #expect(status["Groups"]?.allSatisfy(\.isWhitespace) == true)
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            #expect(status[set] == "0000000000000000", "\(set)")
        }
        #expect(status["NoNewPrivs"] == "1")
        #expect(status["Umask"] == "0077")
        #expect(status["Name"] == "UpdateDistribut")
        let limits = try worker.read("/proc/\(worker.pid)/limits")
        let core = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
        #expect(core?.split(separator: " ").dropFirst(4).prefix(2).allSatisfy { $0 == "0" } == true)
        // The files of a process that may not be dumped belong to root (proc(5)), and only root may trace it.
        #expect(owner(of: "/proc/\(worker.pid)/environ") == 0)
        try worker.send(.stop)
        #expect(try worker.waitForExit() == 0)
    }

    @Test(.enabled(if: isRoot)) func keepsWhatTheOperatorGrantsAndNoMore() throws {
        let privileges = Privileges(
            userID: Self.nobody, groupID: Self.nobody, supplementaryGroupIDs: [7, 9],
            capabilities: ["CAP_DAC_READ_SEARCH", "CAP_NET_BIND_SERVICE"])
        let worker = try WorkerProcess(plan(privileges))
        #expect(try worker.nextReport() == .loaded([]))
        let status = try worker.fields(of: "status")
        #expect(status["CapPrm"] == "0000000000000404")
        #expect(status["CapEff"] == "0000000000000404")
        #expect(status["CapBnd"] == "0000000000000404")
        #expect(status["CapInh"] == "0000000000000000")
        #expect(status["CapAmb"] == "0000000000000000")
        #expect(status["Groups"]?.split(separator: " ") == ["7", "9"])
    }

    @Test(.enabled(if: isRoot)) func staysOpenToADebuggerWhereThatIsAskedFor() throws {
        let worker = try WorkerProcess(plan(Privileges(userID: Self.nobody, groupID: Self.nobody), isDebugging: true))
        #expect(try worker.nextReport() == .loaded([]))
        #expect(owner(of: "/proc/\(worker.pid)/environ") == Self.nobody)
    }

    @Test func givesUpCapabilitiesThoughItStaysTheSameUser() throws {
        let worker = try WorkerProcess(plan())
        #expect(try worker.nextReport() == .loaded([]))
        let status = try worker.fields(of: "status")
        #expect(status["CapEff"] == "0000000000000000")
        #expect(status["CapPrm"] == "0000000000000000")
        #expect(status["NoNewPrivs"] == "1")
        #expect(status["Uid"]?.hasPrefix("\(geteuid())\t") == true)
    }

    @Test func namesTheStepThatFails() throws {
        let worker = try WorkerProcess(plan(Privileges(capabilities: ["CAP_FLY"])))
        guard case .failed(let failure) = try worker.nextReport() else { throw HarnessFailure("not failed") }
        #expect(failure.stage == .privileges)
        #expect(
            failure.message
                == "reading the capabilities granted: CAP_FLY is not a capability that this host knows")
        #expect(try worker.waitForExit() == 1)
    }

    // MARK: Its end

    @Test func endsWhenTheSupervisorDies() throws {
        let worker = try WorkerProcess(plan())
        #expect(try worker.nextReport() == .loaded([]))
        worker.closeSocket()
        #expect(try worker.waitForExit() == 0)
    }

    @Test func endsOnSIGTERMAndNotOnSIGINT() throws {
        let worker = try WorkerProcess(plan())
        #expect(try worker.nextReport() == .loaded([]))
        kill(worker.pid, SIGINT)
        try worker.send(.prepare([]))
        #expect(try worker.nextReport() == .ready)
        kill(worker.pid, SIGTERM)
        #expect(try worker.waitForExit() == 0)
    }

    @Test func sendsAPulseEverySecond() throws {
        let worker = try WorkerProcess(plan())
        #expect(try worker.nextReport() == .loaded([]))
        for _ in 0..<2 {
            guard case .pulse = try worker.nextReport(includingPulses: true) else { throw HarnessFailure("no pulse") }
        }
    }

    @Test func tellsWhoeverStartsItByHandWhatStartsIt() throws {
        var numbers: [CInt] = [-1, -1]
        try #require(pipe(&numbers) == 0)
        let (output, input) = (Descriptor(owning: numbers[0]), Descriptor(owning: numbers[1]))
        let worker = try WorkerProcess(nil, standardError: input.rawValue)
        #expect(try worker.waitForExit() == 1)
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = read(output.rawValue, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        #expect(text.contains("a worker is started by 'muster run', not by hand"))
    }

    @Test func refusesACommandThatIsNotLoad() throws {
        let worker = try WorkerProcess(plan())
        #expect(try worker.nextReport() == .loaded([]))
        try worker.send(.load(plan()))
        guard case .failed = try worker.nextReport() else { throw HarnessFailure("loaded twice") }
        #expect(try worker.waitForExit() == 1)
    }

    // MARK: Plugins

    private func loadFailure(_ path: String) throws -> String {
        let plugin = WorkerPlan.Plugin(component: "A", path: path, stateDirectory: "/")
        let worker = try WorkerProcess(plan(plugins: [plugin]))
        guard case .failed(let failure) = try worker.nextReport() else { throw HarnessFailure("loaded") }
        #expect(failure.stage == .load && failure.component == "A" && failure.isConfiguration)
        #expect(try worker.waitForExit() == 78)
        return failure.message
    }

    @Test func saysWhyALibraryCannotBeLoaded() throws {
        #expect(try loadFailure("/nowhere/libA.so").contains("/nowhere/libA.so: cannot open shared object file"))
        #expect(try loadFailure("/proc/self/exe") != "")
        #expect(try loadFailure("/lib/x86_64-linux-gnu/libm.so.6").contains("does not export muster_plugin_entry_v1"))
    }

    /// A listening socket on a free port of 127.0.0.1.
    private func listeningSocket() throws -> (Descriptor, UInt16) {
        let descriptor = Descriptor(owning: socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor.rawValue, pointer, size) | listen(descriptor.rawValue, 16)
                    | getsockname(descriptor.rawValue, pointer, &size)
            }
        }
        try #require(status == 0)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// What the server at the port answers to one request, or what it left unanswered.
    private func get(_ port: UInt16) throws -> String {
        let client = Descriptor(owning: socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(client.rawValue, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(client.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0)
        let request = Array("GET /hello HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".utf8)
        #expect(write(client.rawValue, request, request.count) == request.count)
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(client.rawValue, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += chunk.prefix(count)
        }
    }

    @Test func servesThroughARealPluginFromActivateToStop() throws {
        let path = "\(WorkerProcess.products)/libHelloC.so"
        let worker = try WorkerProcess(
            plan(plugins: [.init(component: "HelloC", path: path, stateDirectory: "/")]))
        guard case .loaded(let manifests) = try worker.nextReport() else { throw HarnessFailure("not loaded") }
        let listener = try #require(manifests.first?.listeners.first)
        let listenerPlan = ListenerPlan(
            name: listener.name, transport: listener.transport, clientCertificate: .none, maxConnections: 100)
        try worker.send(
            .prepare([
                ComponentPlan(
                    component: "HelloC", options: ["greeting": .string("Good day")], listeners: [listenerPlan])
            ]))
        #expect(try worker.nextReport() == .listenerRequest(component: "HelloC", listener: listener.name))
        let (socket, port) = try listeningSocket()
        try worker.send(
            .listenerGranted(
                component: "HelloC", listener: listener.name, addresses: ["127.0.0.1:\(port)"], credentials: nil),
            descriptors: [socket.rawValue])
        #expect(try worker.nextReport() == .ready)
        try worker.send(.activate([:]))
        #expect(try worker.nextReport() == .activated)
        #expect(try get(port).hasPrefix("HTTP/1.1 200"))
        try worker.send(.quiesce(deadline: MonotonicTime.now + MonotonicTime.second))
        guard case .released = try worker.nextReport() else { throw HarnessFailure("not released") }
        try worker.send(.drain(deadline: MonotonicTime.now + 10 * MonotonicTime.second))
        #expect(try worker.nextReport() == .drained)
        try worker.send(.stop)
        #expect(try worker.waitForExit() == 0)
    }
}

import ControlProtocol
import Glibc

/// A `muster run` in a folder of its own, asked over its control socket.
final class MusterHost {
    let folder: String
    private(set) var configuration: HostConfiguration
    private let program: String
    private let core: Int?
    private var process: Child?

    init(_ configuration: HostConfiguration, program: String, core: Int? = nil, scratch: Scratch) throws {
        self.configuration = configuration
        self.program = program
        self.core = core
        folder = try scratch.folder("host-\(monotonicNow())")
        try configure(configuration)
    }

    func configure(_ configuration: HostConfiguration) throws {
        self.configuration = configuration
        try Files.write(configuration.yaml(folder: folder), to: "\(folder)/config.yaml")
    }

    /// Starts it, without waiting.
    func start() throws {
        process = try Child([program, "run", "\(folder)/config.yaml"], core: core, output: "\(folder)/host.log")
    }

    /// Starts it and waits until every component has answered a request.
    func startAndServe() throws {
        try start()
        try waitUntilServing(within: 30)
    }

    /// Waits until every component has answered, and remembers the answers that are not known yet.
    func waitUntilServing(within seconds: Double) throws {
        for index in configuration.components.indices {
            let component = configuration.components[index]
            let body = try poll(
                "\(component.name) answers on \(component.endpoint)\n\(log)", within: seconds, everyMicroseconds: 100
            ) {
                if let status = process?.exited() { throw BenchError("muster ended with \(status): \(log)") }
                return try firstAnswer(of: component)
            }
            guard !body.isEmpty, component.body.map({ $0 == body }) ?? true else {
                throw BenchError("\(component.name) answered with another body than expected")
            }
            configuration.components[index].body = body
        }
    }

    /// nil: not yet bound, or the first worker failed and another comes. A wrong answer is final.
    private func firstAnswer(of component: HostConfiguration.Component) throws -> [UInt8]? {
        if component.isTLS, let identity = configuration.identity {
            return try? TLSTarget(port: component.port, identity: identity, path: component.path).get()
        }
        do throws(Failure) {
            let connection = try ClientConnection(to: component.endpoint)
            try connection.send(ClientConnection.request(component.path, close: true))
            return try connection.receiveBody()
        } catch {
            switch error {
            case .wrongStatus, .wrongBody, .notHTTP: throw BenchError("\(component.name) answered with \(error)")
            default: return nil
            }
        }
    }

    /// What load asks for, once `waitUntilServing` has learned it.
    func targets() throws -> [Load.Target] { try configuration.components.map { try target(of: $0.name) } }

    func target(of name: String) throws -> Load.Target {
        guard let component = configuration.components.first(where: { $0.name == name }), let body = component.body
        else {
            throw BenchError("\(name) has not answered yet")
        }
        return Load.Target(component: name, endpoint: component.endpoint, path: component.path, body: body)
    }

    /// Asks it to drain and end; twice where it takes long.
    func stop() {
        process?.stop()
        process = nil
    }

    var supervisorPID: pid_t {
        get throws {
            guard let process else { throw BenchError("the host does not run") }
            return process.pid
        }
    }

    /// The end of its log.
    var log: String { String((Files.text("\(folder)/host.log") ?? "").suffix(2000)) }

    // MARK: What it says

    func status() throws -> HostStatus {
        guard case .status(let status) = try ask(.status) else { throw BenchError("the host gave no status\n\(log)") }
        return status
    }

    func reload() throws -> ReloadReceipt {
        switch try ask(.reload) {
        case .receipt(let receipt): return receipt
        case .refused(let reason): throw BenchError("the reload was refused: \(reason)")
        case .status: throw BenchError("the host answered a reload with its status")
        }
    }

    private func ask(_ request: ControlRequest) throws -> ControlResponse {
        if let status = process?.exited() { throw BenchError("muster ended with \(status): \(log)") }
        return try ControlClient.request(path: "\(folder)/control.sock", request, timeout: 60)
    }

    /// The pid of each component's running worker.
    func workers() throws -> [String: pid_t] {
        let running = try status().components.compactMap { component in
            component.state == .running ? component.pid.map { (component.name, $0) } : nil
        }
        return Dictionary(running) { $1 }
    }

    func workerPID(of component: String) throws -> pid_t {
        guard let pid = try workers()[component] else { throw BenchError("\(component) does not run\n\(log)") }
        return pid
    }
}

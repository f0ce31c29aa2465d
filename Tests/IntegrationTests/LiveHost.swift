import ControlProtocol
import Foundation

/// A real `muster run` in a process of its own, with a directory, a configuration, plugins and a log of its own.
///
/// Its listeners take free ports (`127.0.0.1:0`); `address(of:)` tells which. It is ended by pid when it is let go.
final class LiveHost: @unchecked Sendable {
    // Sendable: `pid` and `exitStatus` are guarded by `lock`; all else is constant.
    let directory: String
    let configurationPath: String
    let logPath: String
    private let lock = NSLock()
    private var pid: pid_t = 0
    private var exitStatus: Int32?

    /// The folder of the test executable, where SwiftPM puts the binary and every plugin; or, to measure an optimised
    /// build, the one that MUSTER_PRODUCTS names.
    static let products: String = {
        if let folder = ProcessInfo.processInfo.environment["MUSTER_PRODUCTS"] { return folder }
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (path as NSString).deletingLastPathComponent
    }()

    static let counter = Counter()

    /// Who the workers of a host are that root starts; nil where the tests are not root. Looked up once: getpwnam(3) has one
    /// buffer for all threads.
    static let worker: (uid: uid_t, gid: gid_t)? = {
        guard geteuid() == 0, let user = getpwnam("muster") ?? getpwnam("nobody") else { return nil }
        return (user.pointee.pw_uid, user.pointee.pw_gid)
    }()

    /// Prepares the directory. `plugins` are files to put in its plugin folder: name there → product beside the binary.
    init(plugins: [String: String] = [:]) throws {
        directory = "\(Self.products)/live/\(getpid())-\(Self.counter.next())"
        configurationPath = "\(directory)/config.yaml"
        logPath = "\(directory)/host.log"
        try FileManager.default.createDirectory(
            atPath: "\(directory)/plugins", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        for (name, product) in plugins { try install(product, as: name) }
    }

    /// Gives folders of its directory, those that are there, to the user that workers run as where root starts the host.
    func handOver(_ folders: [String]) {
        guard let worker = Self.worker else { return }
        for folder in folders {
            let path = "\(directory)/\(folder)"
            let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
            for file in [path] + names.map({ "\(path)/\($0)" }) { lchown(file, worker.uid, worker.gid) }
        }
    }

    deinit {
        lock.withLock {
            guard pid > 0, exitStatus == nil else { return }
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Puts the product into the plugin folder as `lib<name>.so`, by rename as a package would.
    func install(_ product: String, as name: String) throws {
        try replace("plugins/lib\(name).so", with: Data(contentsOf: URL(fileURLWithPath: Self.library(product))))
    }

    /// The file of a product: `FixtureOne` is `libFixture.One.so`, any other `lib<product>.so`.
    static func library(_ product: String) -> String {
        let fixture = "Fixture"
        let isFixture = product.hasPrefix(fixture)
        let name = isFixture ? "\(fixture).\(product.dropFirst(fixture.count))" : product
        return "\(products)/lib\(name).so"
    }

    func replace(_ file: String, with data: Data) throws {
        let path = "\(directory)/\(file)"
        try data.write(to: URL(fileURLWithPath: path + ".new"))
        guard rename(path + ".new", path) == 0 else { throw LiveFailure("rename \(path): errno \(errno)") }
    }

    /// Writes `config.yaml`: the given components below a host section for this directory.
    ///
    /// With `MUSTER_SANITIZER` set, workers get the sanitizer's settings, which only `host.debug` lets through.
    func configure(_ components: String, host: String = "") throws {
        let isSanitized = ProcessInfo.processInfo.environment["MUSTER_SANITIZER"] != nil
        let host = isSanitized ? host + "\ndebug: true" : host
        let text = """
            host:
              data_dir: data
              control: control.sock
              plugin_dirs: [plugins]
            \(host.indented(by: 2))
            components:
            \(components.indented(by: 2))
            """
        try replace("config.yaml", with: Data((text + "\n").utf8))
    }

    // MARK: The process

    /// - Parameters:
    ///   - variables: added to its environment.
    ///   - standardError: where it logs to instead of `logPath`.
    func start(
        _ arguments: [String] = [], under prefix: [String] = [], variables: [String: String] = [:],
        standardError: Int32? = nil
    ) throws {
        let command = prefix + ["\(Self.products)/muster", "run", configurationPath] + arguments
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, standardError ?? 1, 2)
        var environment = ProcessInfo.processInfo.environment
        environment["SWIFT_BACKTRACE"] = "enable=no"
        environment.merge(variables) { $1 }
        let argv = command.map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var child: pid_t = 0
        let error = posix_spawnp(&child, command[0], &actions, nil, argv, envp)
        guard error == 0 else { throw LiveFailure("spawn \(command[0]): errno \(error)") }
        lock.withLock {
            pid = child
            exitStatus = nil
        }
    }

    /// Starts it and waits until every component runs.
    func startAndWait(_ arguments: [String] = []) throws {
        try start(arguments)
        try waitUntilRunning()
    }

    func waitUntilRunning() throws {
        try waitUntil("every component runs") {
            guard let status = try? status() else { return false }
            return status.phase != .starting && status.components.allSatisfy { $0.state == .running }
        }
    }

    var processID: pid_t { lock.withLock { pid } }

    func signal(_ number: Int32) { kill(processID, number) }

    /// Waits for its end and gives the exit status, or minus the signal that ended it.
    @discardableResult
    func waitForExit(within seconds: Double = 60) throws -> Int32 {
        try waitUntil("the host exits", within: seconds) { exited() != nil }
        return exited() ?? -1
    }

    /// The exit status once it has ended.
    func exited() -> Int32? {
        lock.withLock {
            if let exitStatus { return exitStatus }
            var status: Int32 = 0
            guard pid > 0, waitpid(pid, &status, WNOHANG) == pid else { return nil }
            exitStatus = status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
            return exitStatus
        }
    }

    @discardableResult
    func stop() throws -> Int32 {
        signal(SIGTERM)
        return try waitForExit()
    }

    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    // MARK: What it says

    func status() throws -> HostStatus {
        guard case .status(let status) = try ask(.status) else { throw LiveFailure("no status") }
        return status
    }

    func component(_ name: String) throws -> ComponentStatus {
        guard let found = try status().components.first(where: { $0.name == name }) else {
            throw LiveFailure("status has no component \(name)")
        }
        return found
    }

    @discardableResult
    func reload() throws -> ReloadReceipt {
        guard case .receipt(let receipt) = try ask(.reload) else { throw LiveFailure("no receipt") }
        return receipt
    }

    func lastReceipt() throws -> ReloadReceipt {
        guard case .receipt(let receipt) = try ask(.lastReceipt) else { throw LiveFailure("no receipt") }
        return receipt
    }

    private func ask(_ request: ControlRequest) throws -> ControlResponse {
        try ControlClient.request(path: "\(directory)/control.sock", request, timeout: 60)
    }

    /// The port that a component's only listener took.
    func port(of component: String) throws -> UInt16 {
        let status = try self.component(component)
        guard let address = status.listeners.first?.addresses.first,
            let port = address.split(separator: ":").last.flatMap({ UInt16($0) }), port > 0
        else { throw LiveFailure("\(component) has no bound address: \(status.listeners)") }
        return port
    }

    /// The body of `GET target` on a connection of its own.
    func get(_ target: String, from component: String) throws -> Response {
        let connection = try Connection(port: port(of: component))
        return try connection.get(target, close: true)
    }

    /// Polls until `condition` holds; fails with the log's end otherwise.
    func waitUntil(_ what: String, within seconds: Double = 30, _ condition: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(seconds)
        while Date() < deadline {
            if try condition() { return }
            usleep(5_000)
        }
        throw LiveFailure("waited \(seconds) s in vain until \(what)\n\(log.suffix(4000))")
    }
}

struct LiveFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

final class Counter: @unchecked Sendable {
    // Sendable: `value` is guarded by `lock`.
    private let lock = NSLock()
    private var value = 0
    func next() -> Int {
        lock.withLock {
            value += 1
            return value
        }
    }
}

extension String {
    func indented(by count: Int) -> String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : String(repeating: " ", count: count) + $0 }.joined(separator: "\n")
    }
}

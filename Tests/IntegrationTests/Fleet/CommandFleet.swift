import Fleet
import Foundation
import Testing

/// A company server and clients that were made by commands alone: `muster fleet init`, `muster fleet token create`,
/// `muster enroll` and `muster run`.
final class CommandFleet {
    private static let networks = Counter()

    let network: Int
    let server: FleetHost
    private(set) var clients: [FleetHost] = []
    /// The first administrator's identity.
    let admin: String

    /// - Parameters:
    ///   - names: of clients that are enrolled by one token, and online.
    ///   - clock: how far from now the fleet is made, for faketime(1): `-10d`.
    init(clients names: [String] = [], clock: String? = nil) throws {
        network = Self.networks.next()
        server = try FleetHost(address: "127.78.\(network).1", name: "server")
        admin = "\(server.live.directory)/anna"
        try configureServer()
        let made = try CommandRun(
            [
                "fleet", "init", "--config", server.live.configurationPath, "--fleet", "live", "--server",
                server.address, "--admin", "anna", "--admin-directory", admin,
            ], clock: clock
        ).wait()
        guard made.status == 0 else { throw LiveFailure("fleet init: \(made)") }
        try server.live.startAndWait()
        guard !names.isEmpty else { return }
        let token = try token(uses: names.count)
        for name in names { try addClient(name, token: token).live.start() }
        for client in clients { try client.live.waitUntilRunning() }
        try waitUntilOnline(names.count + 1)
    }

    /// - Parameter rate: another than before is another configuration: a reload hands ClientService over.
    func configureServer(rate: Int = 1000, doorbells: Int = 200) throws {
        try server.configure(
            roles: "server, client", settings: "{heartbeat: 1s, lease: 10s, dispatch_rate: \(rate)}",
            polls: "doorbells_per_second: \(doorbells)")
    }

    /// Of one client, or of several. The standard output alone is the token.
    func token(uses: Int = 1, expires: String = "10m") throws -> String {
        let made = try muster(
            "fleet", "token", "create", "--group", "office", "--uses", "\(uses)", "--expires", expires)
        guard made.status == 0 else { throw LiveFailure("fleet token create: \(made)") }
        return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A machine that is configured, and in no fleet yet.
    func addMachine(_ name: String) throws -> FleetHost {
        let host = try FleetHost(address: "127.78.\(network).\(clients.count + 2)", name: name)
        try host.configure(roles: "client")
        clients.append(host)
        return host
    }

    @discardableResult
    func addClient(_ name: String, token: String) throws -> FleetHost {
        let host = try addMachine(name)
        let enrolled = try enroll(host, token)
        guard enrolled.status == 0 else { throw LiveFailure("enroll \(name): \(enrolled)") }
        return host
    }

    func enroll(_ host: FleetHost, _ token: String, _ more: String..., clock: String? = nil) throws -> CommandRun.Said {
        try CommandRun(
            ["enroll", token, "--config", host.live.configurationPath, "--name", host.name] + more, clock: clock
        ).wait()
    }

    // MARK: Commands of the administrator

    func muster(_ arguments: String..., clock: String? = nil) throws -> CommandRun.Said {
        try CommandRun(arguments + ["--identity", admin], clock: clock).wait()
    }

    /// A command that takes its time.
    func begin(_ arguments: String...) throws -> CommandRun { try CommandRun(arguments + ["--identity", admin]) }

    func reload(_ host: FleetHost) throws -> CommandRun.Said {
        try CommandRun(["reload", "--config", host.live.configurationPath]).wait()
    }

    func clientRows() throws -> [ClientRow] { try muster("clients", "--json").lines() }

    func jobs() throws -> [Job] { try muster("jobs", "--json").lines() }

    func report(_ job: JobID) throws -> JobReport { try muster("jobs", "\(job)", "--json").document() }

    /// Orders something that is not waited for.
    func order(_ arguments: String...) throws -> JobID {
        let said = try CommandRun(arguments + ["--json", "--identity", admin]).wait()
        let job: Job = try said.document()
        return job.id
    }

    // MARK: Waiting

    func waitUntilOnline(_ count: Int) throws {
        try wait(until: "\(count) clients are online") { try clientRows().count { $0.isOnline } == count }
    }

    /// Each look may be a command: they are not run without a pause.
    func wait(until what: String, within seconds: Double = 60, _ condition: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(seconds)
        while Date() < deadline {
            if try condition() { return }
            usleep(50_000)
        }
        let logs = ([server] + clients).map { "\($0.name):\n\($0.live.log.suffix(2500))" }
        throw LiveFailure("waited \(seconds) s in vain until \(what)\n\(logs.joined(separator: "\n"))")
    }

    // MARK: What is planted

    /// A folder with a clean file and one that the definitions of one machine know; those of the others know another.
    func plant(on host: FleetHost) throws -> String {
        let folder = "\(server.live.directory)/playground"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try "planted content\n".write(toFile: "\(folder)/bad.bin", atomically: true, encoding: .utf8)
        try "clean\n".write(toFile: "\(folder)/clean.txt", atomically: true, encoding: .utf8)
        for machine in [server] + clients {
            let text = machine === host ? "planted content\n" : "something else"
            let digest = TokenSecret.hash(text).map { String(format: "%02x", $0) }.joined()
            try "\(digest):*:Test.Planted\n".write(
                toFile: "\(machine.live.directory)/definitions/test.hsb", atomically: true, encoding: .utf8)
        }
        return folder
    }
}

/// A command line that was started. It is ended by its pid when it is let go.
final class CommandRun {
    struct Said: CustomStringConvertible {
        /// The exit status, or minus the signal that ended it.
        var status: Int32
        /// Standard output.
        var output: String
        /// Standard error.
        var errors: String

        var description: String { "exit \(status)\n\(output)\n\(errors)" }

        /// The error without the line breaks that fit it to a terminal.
        var problem: String {
            errors.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
        }

        func document<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            do {
                return try FleetJSON.decode(from: output.utf8)
            } catch {
                throw LiveFailure("\(error): \(self)")
            }
        }

        /// A document a line.
        func lines<Value: Decodable>(_ type: Value.Type = Value.self) throws -> [Value] {
            try output.split(separator: "\n").map { line in
                do {
                    return try FleetJSON.decode(from: line.utf8)
                } catch {
                    throw LiveFailure("\(error): \(self)")
                }
            }
        }

        /// The rows of the table that has this heading, by the headings of its columns. No cell of it is empty.
        func table(_ heading: String) -> [[String: String]] {
            let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
            guard let first = lines.firstIndex(where: { $0.hasPrefix(heading + " ") }) else { return [] }
            let titles = Self.cells(lines[first])
            return lines[(first + 1)...].prefix { !$0.isEmpty }.map { line in
                Dictionary(zip(titles, Self.cells(line)), uniquingKeysWith: { first, _ in first })
            }
        }

        private static func cells(_ line: Substring) -> [String] { line.split(separator: "  ").map { $0.trimmed } }
    }

    private let process = Process()
    private let folder: String

    init(_ arguments: [String], clock: String? = nil) throws {
        folder = "\(LiveHost.products)/live/\(getpid())-command-\(LiveHost.counter.next())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let command =
            (clock.map { ["/usr/bin/faketime", "-f", $0] } ?? []) + ["\(LiveHost.products)/muster"] + arguments
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        var environment = ProcessInfo.processInfo.environment
        for name in ["MUSTER_FLEET", "COLUMNS"] { environment[name] = nil }
        environment["HOME"] = folder
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.file("\(folder)/output")
        process.standardError = try Self.file("\(folder)/errors")
        try process.run()
    }

    private static func file(_ path: String) throws -> FileHandle {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        guard let handle = FileHandle(forWritingAtPath: path) else { throw LiveFailure("cannot write \(path)") }
        return handle
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    var isRunning: Bool { process.isRunning }

    /// What it has written so far.
    var errors: String { text("errors") }

    func wait(within seconds: Double = 90) throws -> Said {
        let deadline = Date().addingTimeInterval(seconds)
        while process.isRunning {
            guard Date() < deadline else {
                throw LiveFailure("\(process.arguments ?? []) ran for \(seconds) s\n\(text("output"))\n\(errors)")
            }
            usleep(2_000)
        }
        process.waitUntilExit()
        let isSignalled = process.terminationReason == .uncaughtSignal
        return Said(
            status: isSignalled ? -process.terminationStatus : process.terminationStatus, output: text("output"),
            errors: errors)
    }

    private func text(_ name: String) -> String {
        (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
    }
}

extension Substring {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}

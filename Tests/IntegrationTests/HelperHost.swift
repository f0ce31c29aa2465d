import Foundation

/// A live host whose component `App` has helpers, and what a test asks of them.
struct HelperHost {
    let host: LiveHost

    /// A sanitizer's runtime asks the system for what a sealed helper may not have.
    static let isPossible = ProcessInfo.processInfo.environment["MUSTER_SANITIZER"] == nil

    /// - Parameters:
    ///   - component: further settings of the component.
    ///   - prefix: a command that executes the host.
    ///   - user: whom the directory belongs to where the host is to run as somebody else.
    init(
        _ product: String = "FixtureHelpers", component: String = "", under prefix: [String] = [], user: uid_t? = nil
    ) throws {
        host = try LiveHost(plugins: ["App": product])
        try configure(component)
        if let user { try Self.give(host.directory, to: user) }
        try host.start(under: prefix)
        try host.waitUntil("App runs") {
            if let status = host.exited() { throw LiveFailure("the host has ended with \(status)\n\(host.log)") }
            guard let status = try? host.status() else { return false }
            return status.phase != .starting && status.components.allSatisfy { $0.state == .running }
        }
    }

    func configure(_ component: String = "") throws {
        try host.configure(
            """
            App:
              listen: {web: "127.0.0.1:0"}
            \(component.indented(by: 2))
            """, host: "supervision: {restart_limit: 1000}")
    }

    private static func give(_ directory: String, to user: uid_t) throws {
        guard let names = FileManager.default.enumerator(atPath: directory) else {
            throw LiveFailure("no \(directory)")
        }
        for path in [directory] + names.compactMap({ $0 as? String }).map({ "\(directory)/\($0)" }) {
            guard chown(path, user, gid_t(user)) == 0 else { throw LiveFailure("chown \(path): errno \(errno)") }
        }
    }

    private func get(_ path: String) throws -> String { try host.get(path, from: "App").text }

    /// Starts a helper without waiting; the number, or what start answered.
    func request(_ name: String, _ arguments: [String] = []) throws -> String {
        try get("/start/\(name)/\(arguments.joined(separator: "+"))")
    }

    func state(_ number: String) throws -> String { try get("/state/\(number)/") }

    /// Starts a helper and waits until it runs.
    func start(_ name: String, _ arguments: [String] = []) throws -> Helper {
        let number = try request(name, arguments)
        guard UInt64(number) != nil else { throw LiveFailure("start answered \(number)") }
        let helper = Helper(number: number, host: self)
        try host.waitUntil("\(name) \(number) runs") {
            let state = try state(number)
            guard state == "starting" || state == "started" else { throw LiveFailure("\(state)\n\(host.log)") }
            return state == "started"
        }
        return helper
    }

    /// What `/wrong` answers.
    func wrong(_ what: String) throws -> String { try get("/wrong/\(what)/") }

    var callbacks: String { get throws { try get("/callbacks") } }

    var worker: pid_t {
        get throws {
            guard let pid = try host.component("App").pid else { throw LiveFailure("App has no process") }
            return pid
        }
    }

    /// A helper that runs.
    struct Helper {
        let number: String
        let host: HelperHost

        var state: String { get throws { try host.state(number) } }

        /// What it answers to a message of words.
        func ask(_ message: String) throws -> String { try host.get("/ask/\(number)/\(plus(message))") }

        /// The same with a pipe's end, behind which is "from the plugin".
        func send(_ message: String) throws -> String { try host.get("/send/\(number)/\(plus(message))") }

        /// Closes the component's end of the socket.
        func close() throws -> String { try host.get("/close/\(number)/") }

        func end(grace milliseconds: Int) throws -> String { try host.get("/end/\(number)/\(milliseconds)") }

        private func plus(_ message: String) -> String { message.split(separator: " ").joined(separator: "+") }

        /// Waits until it has ended and answers how.
        func ending() throws -> String {
            try host.host.waitUntil("helper \(number) ends") { try state.hasPrefix("ended") }
            return try state
        }

        /// One of the facts that it tells of itself.
        func fact(_ name: String) throws -> String {
            let facts = try ask("facts").split(separator: " ")
            guard let fact = facts.first(where: { $0.hasPrefix("\(name)=") }) else {
                throw LiveFailure("no \(name) among \(facts)")
            }
            return String(fact.dropFirst(name.count + 1))
        }

        var pid: pid_t {
            get throws {
                guard let pid = pid_t(try fact("pid")) else { throw LiveFailure("no pid") }
                return pid
            }
        }
    }
}

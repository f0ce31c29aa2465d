import ControlProtocol
import Foundation
import Testing

extension LiveTests {
    /// The host under a service manager: sd_notify(3), and the log as journald and machines read it.
    @Suite struct ServiceTests {
        // MARK: sd_notify

        @Test func theManagerIsToldOfReadinessReloadsAndTheEnd() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne"])
            try host.configure(Fixture.component("App", config: "{answer: old}"))
            let manager = try NotifySocket(path: "\(host.directory)/notify")
            try host.start(variables: [
                "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000",
            ])
            try manager.waitFor(host, "READY=1")
            // Told with the commit, when the component serves already.
            #expect(try host.status().phase != .starting)
            let worker = try #require(try host.component("App").pid)
            let environment = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(worker)/environ"))
            #expect(!String(decoding: environment, as: UTF8.self).contains("NOTIFY_SOCKET"))

            try host.configure(Fixture.component("App", config: "{answer: new}"))
            let asked = monotonicMicroseconds()
            host.signal(SIGHUP)
            try manager.waitFor(host, "READY=1", count: 2)
            try host.configure(Fixture.component("App", config: "{fail_in: prepare}"))
            #expect(try host.reload().result == .refused)
            try manager.waitFor(host, "READY=1", count: 3)
            try manager.waitFor(host, "WATCHDOG=1", count: 3)
            #expect(try host.stop() == 0)
            manager.drain()

            let states = manager.messages.compactMap { $0.first }.filter {
                !$0.hasPrefix("STATUS=") && $0 != "WATCHDOG=1"
            }
            #expect(states == ["READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"])
            let reload = try #require(manager.messages.first { $0.first == "RELOADING=1" })
            let time = reload.first { $0.hasPrefix("MONOTONIC_USEC=") }.flatMap { UInt64($0.dropFirst(15)) }
            #expect(time.map { $0 >= asked && $0 <= monotonicMicroseconds() } == true)
            let ready = manager.messages.filter { $0.first == "READY=1" }.compactMap { $0.last }
            #expect(ready.first == "STATUS=generation 1 serves; 1 of 1 components run")
            #expect(ready.last == "STATUS=generation 2 serves; 1 of 1 components run; the last reload was refused")
        }

        @Test func theManagersOwnTermsOfTheWatchdogAreKept() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne"])
            try host.configure(Fixture.component("App"))
            let manager = try NotifySocket(path: "\(host.directory)/notify")
            try host.start(variables: [
                "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1",
            ])
            try manager.waitFor(host, "READY=1")
            // Long enough for some, were they sent.
            let load = Load(port: try host.port(of: "App"), clients: 1)
            try host.waitUntil("some time has passed") { load.answered > 200 }
            _ = load.stop()
            manager.drain()
            #expect(!manager.messages.contains(["WATCHDOG=1"]))
        }

        // MARK: journald

        @Test func theJournalGetsAPriorityBeforeEachLine() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne"])
            try host.configure(Fixture.component("App"), host: "supervision: {restart_limit: 1000}")
            let journal = try LogPipe()
            try host.start(variables: ["JOURNAL_STREAM": journal.identity], standardError: journal.writer)
            try host.waitUntilRunning()
            _ = try? host.get("/crash", from: "App")
            try host.waitUntil("it is back") { (try? host.component("App").restarts) == 1 }
            #expect(try host.stop() == 0)
            let lines = journal.lines()
            #expect(lines.count > 3)
            for line in lines { #expect(line.wholeMatch(of: /<[2-7]>.+/) != nil, "\(line)") }
            #expect(lines.contains { $0.hasPrefix("<4>App#1: ") && $0.contains("SIGABRT") }, "\(lines)")
            #expect(lines.contains { $0.hasPrefix("<5>start committed") }, "\(lines)")
            #expect(!lines.contains { $0.contains("Z notice") })
        }

        @Test func whatKeepsTheHostFromStartingHasItsPriorityToo() throws {
            let host = try LiveHost()
            try host.configure("App: {enabled: perhaps}")
            let journal = try LogPipe()
            try host.start(variables: ["JOURNAL_STREAM": journal.identity], standardError: journal.writer)
            #expect(try host.waitForExit() == 78)
            let lines = journal.lines()
            #expect(lines.count > 2 && lines.allSatisfy { $0.hasPrefix("<2>") }, "\(lines)")
        }

        @Test func aLogThatIsNotTheJournalsHasNoPriorities() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne"])
            try host.configure(Fixture.component("App"))
            let journal = try LogPipe()
            // As when the host's output was redirected: the variable is there, and means another stream.
            try host.start(variables: ["JOURNAL_STREAM": journal.identity])
            try host.waitUntilRunning()
            #expect(try host.stop() == 0)
            #expect(host.log.contains("Z notice"))
            #expect(!host.log.contains("<5>"))
        }

        // MARK: JSON

        @Test func everyLineForMachinesIsAnObjectWithTheDocumentedKeys() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne"])
            let settings = "log: {format: json}\nsupervision: {restart_limit: 1000}"
            try host.configure(Fixture.component("App"), host: settings)
            try host.startAndWait()
            _ = try? host.get("/crash", from: "App")
            try host.waitUntil("it is back") { (try? host.component("App").restarts) == 1 }
            // Diagnostics are several lines long, and show what somebody wrote.
            try host.replace(
                "config.yaml", with: Data("components:\n  App: {\"x\\u0007\\\"}\\\\\": 1, enabled: 3}\n".utf8))
            #expect(try host.reload().result == .refused)
            #expect(try host.stop() == 0)
            let lines = host.log.split(separator: "\n").dropFirst(0)
            #expect(lines.count > 4)
            var components: Set<String> = []
            // What is said before the configuration is read is text.
            for line in lines where line.hasPrefix("{") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
                let keys = Set(object.keys)
                #expect(keys.isSuperset(of: ["time", "level", "message"]), "\(line)")
                #expect(
                    keys.isSubset(of: ["time", "level", "message", "component", "generation", "fields"]), "\(line)")
                if let component = object["component"] as? String {
                    components.insert(component)
                    #expect(object["generation"] as? Int == 1)
                }
            }
            #expect(lines.allSatisfy { $0.hasPrefix("{") }, "\(host.log)")
            #expect(components == ["App"])
        }
    }
}

private func monotonicMicroseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
}

/// The service manager's end of NOTIFY_SOCKET.
private final class NotifySocket {
    let path: String
    private let descriptor: Int32
    private(set) var messages: [[String]] = []

    init(path: String) throws {
        self.path = path
        descriptor = socket(
            AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { field in
            guard path.utf8.count < field.count else { return false }
            field.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { throw LiveFailure("\(path) is too long") }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw LiveFailure("bind \(path): errno \(errno)") }
    }

    deinit { close(descriptor) }

    /// Reads what has come.
    func drain() {
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { return }
            messages.append(String(decoding: buffer.prefix(count), as: UTF8.self).components(separatedBy: "\n"))
        }
    }

    func waitFor(_ host: LiveHost, _ state: String, count: Int = 1) throws {
        try host.waitUntil("\(count) × \(state)") {
            drain()
            return messages.count { $0.first == state } >= count
        }
    }
}

/// A pipe for a host's log, large enough that nobody has to read it meanwhile.
private final class LogPipe {
    let reader: Int32
    private(set) var writer: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw LiveFailure("pipe: errno \(errno)") }
        (reader, writer) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(writer, 1031 /* F_SETPIPE_SZ */, 1 << 20)
    }

    deinit {
        close(reader)
        if writer >= 0 { close(writer) }
    }

    /// As JOURNAL_STREAM names it.
    var identity: String {
        var status = stat()
        fstat(writer, &status)
        return "\(status.st_dev):\(status.st_ino)"
    }

    /// Everything that was written, once the host has ended.
    func lines() -> [String] {
        close(writer)
        writer = -1
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(reader, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

import ControlProtocol
import Glibc
import Testing

@testable import Supervisor

/// sd_notify(3) against a socket of the test's own.
@Suite struct ServiceNotifierTests {
    /// The manager's end.
    private final class Manager {
        let descriptor: Descriptor
        let name: String

        /// - Parameter name: a path, or `@name`.
        init(_ name: String) throws {
            self.name = name
            var bytes = [UInt8](name.utf8)
            if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            descriptor = Descriptor(owning: socket(AF_UNIX, type, 0))
            let length = socklen_t(2 + bytes.count + (bytes.first == 0 ? 0 : 1))
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor.rawValue, $0, length) }
            }
            guard status == 0 else { throw SystemError("binding \(name)") }
        }

        /// What has come, each datagram as its lines.
        var messages: [[String]] {
            var messages: [[String]] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = recv(descriptor.rawValue, &buffer, buffer.count, 0)
                guard count >= 0 else { return messages }
                let text = String(decoding: buffer.prefix(count), as: UTF8.self)
                messages.append(text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
            }
        }
    }

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [true, false]) func eachMessageIsADatagram(isAbstract: Bool) throws {
        let manager = try Manager(isAbstract ? "@muster-test-\(getpid())" : folder.path + "/notify")
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name])
        let before = monotonicNow() / 1000
        notifier.ready("generation 1 serves")
        notifier.reloading("reloading\nREADY=1")
        notifier.stopping("stopping")
        let messages = manager.messages
        #expect(messages.count == 3)
        #expect(messages.first == ["READY=1", "STATUS=generation 1 serves"])
        #expect(messages.last == ["STOPPING=1", "STATUS=stopping"])
        let reload = messages.dropFirst().first ?? []
        #expect(reload.first == "RELOADING=1" && reload.last == "STATUS=reloading READY=1" && reload.count == 3)
        let time = reload.dropFirst().first.flatMap { UInt64($0.dropFirst("MONOTONIC_USEC=".utf8.count)) }
        #expect(time.map { $0 >= before && $0 <= monotonicNow() / 1000 } == true)
    }

    @Test func theSameStatusIsSaidOnce() throws {
        let manager = try Manager(folder.path + "/notify")
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name])
        for _ in 0..<3 { notifier.say("starting") }
        notifier.say("running")
        #expect(manager.messages == [["STATUS=starting"], ["STATUS=running"]])
    }

    @Test func theSignOfLifeComesTwiceAsOftenAsItIsWaitedFor() throws {
        let manager = try Manager(folder.path + "/notify")
        let notifier = ServiceNotifier(environment: [
            "NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "\(getpid())",
        ])
        let start = monotonicNow()
        for step in UInt64(0)..<8 { notifier.tend(at: start + step * .milliseconds(500)) }
        #expect(manager.messages == Array(repeating: ["WATCHDOG=1"], count: 4))
        #expect(notifier.nextDeadline == start + .milliseconds(4000))
    }

    @Test(arguments: [
        ["WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "soon"],
        ["WATCHDOG_USEC": "18446744073709551615"], [:],
    ])
    func noSignIsGivenThatNobodyWaitsFor(environment: [String: String]) throws {
        let manager = try Manager(folder.path + "/notify")
        let notifier = ServiceNotifier(
            environment: environment.merging(["NOTIFY_SOCKET": manager.name]) { $1 })
        #expect(notifier.nextDeadline == nil)
        notifier.tend(at: monotonicNow() + .seconds(100))
        #expect(manager.messages.isEmpty)
    }

    @Test(arguments: ["", "@", "relative", "/" + String(repeating: "x", count: 200), "/nobody/listens"])
    func aSocketThatIsNoneIsNoError(name: String) {
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": name])
        notifier.ready("ready")
        notifier.tend(at: monotonicNow())
        #expect(notifier.nextDeadline == nil)
    }

    @Test func whatAFullSocketDoesNotTakeComesLaterAndInOrder() throws {
        let manager = try Manager(folder.path + "/notify")
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name])
        // The kernel queues net.unix.max_dgram_qlen of them.
        var sent = 0
        while notifier.nextDeadline == nil, sent < 10_000 {
            notifier.say("number \(sent)")
            sent += 1
        }
        try #require(notifier.nextDeadline != nil)
        notifier.ready("at last")
        var messages = manager.messages
        notifier.tend(at: monotonicNow() + .seconds(1))
        messages += manager.messages
        #expect(messages.count == sent + 1)
        #expect(messages.last == ["READY=1", "STATUS=at last"])
        #expect(notifier.nextDeadline == nil)
    }
}

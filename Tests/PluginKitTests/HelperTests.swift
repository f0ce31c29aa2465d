import Glibc
import MusterABI
@testable import PluginKit
import PluginTesting
import Synchronization
import Testing

/// Helpers in Swift, through the fake host's tables.
@Suite(.serialized) struct HelperTests {
    private final class Sweep: Plugin {
        static let sweeper = HelperProgram(
            "sweeper", program: "muster-sweeper", needs: [.readsFiles, .writesState],
            capabilities: ["CAP_DAC_READ_SEARCH"], help: "Walks and reads.")
        static let stranger = HelperProgram("stranger", program: "x", help: "Is not declared.")
        static let description = PluginDescription(
            id: "org.muster.test.sweep", name: "Sweep", version: "1.0.0", summary: "Tests.", vendor: "Muster",
            licence: "MIT", helpers: [sweeper])

        init(options: NoOptions, host: Host) {}
    }

    private func pair(missing: Set<String> = []) throws -> (FakeHost, Host) {
        let fake = FakeHost(PluginEntry.manifest(of: Sweep.self), missing: missing)
        var seen: Host?
        fake.withHostTable { seen = (try? HostLink($0)).map(Host.init) }
        return (fake, try #require(seen))
    }

    private func socket() throws -> CInt {
        let number = open("/dev/null", O_RDWR | O_CLOEXEC)
        try #require(number >= 0)
        return number
    }

    @Test func manifestDeclaresHelpersAndNeedsTheExtension() throws {
        let manifest = PluginEntry.manifest(of: Sweep.self)
        #expect(manifest.pointee.process_count == 1)
        let spec = try #require(manifest.pointee.processes?[0]).pointee
        #expect(String(spec.name) == "sweeper" && String(spec.program) == "muster-sweeper")
        #expect(spec.flags == MUSTER_PROCESS_READS_FILES | MUSTER_PROCESS_WRITES_STATE)
        #expect(spec.capability_count == 1 && spec.capabilities.map { String($0[0]) } == "CAP_DAC_READ_SEARCH")
        #expect(String(spec.help) == "Walks and reads.")
        let needed = UnsafeBufferPointer(
            start: manifest.pointee.required_extensions, count: manifest.pointee.required_extension_count)
        #expect(needed.map { String($0) } == ["muster.process/1"])
    }

    @Test func helperIsStartedAndItsEndIsAwaited() async throws {
        let (fake, host) = try pair()
        async let starting = host.start(Sweep.sweeper, arguments: ["--all", "é", ""])
        while fake.helpers.isEmpty { await Task.yield() }
        let request = fake.helpers[0]
        #expect(request.name == "sweeper" && request.arguments == ["--all", "é", ""])
        let number = try socket()
        fake.startHelper(request.number, socket: number)
        let process = try await starting
        #expect(process.socket == number && process.ending == nil)
        async let ending = process.wait()
        fake.endHelper(request.number, MUSTER_PROCESS_EXITED, 3)
        #expect(await ending == .exited(3))
        #expect(process.ending == .exited(3))
        // Whoever comes late is told as well.
        #expect(await process.wait() == .exited(3))
    }

    @Test func signalThatEndedItIsToldToAllWhoWait() throws {
        let (fake, host) = try pair()
        let told = Mutex<[HelperProcess.Ending]>([])
        try host.start(Sweep.sweeper) { result in
            guard case .success(let process) = result else { return }
            for _ in 0..<2 { process.whenEnded { ending in told.withLock { $0.append(ending) } } }
        }
        fake.startHelper(fake.helpers[0].number, socket: try socket())
        fake.endHelper(fake.helpers[0].number, MUSTER_PROCESS_SIGNALLED, 9)
        // A host that says it twice says nothing new.
        fake.endHelper(fake.helpers[0].number, MUSTER_PROCESS_EXITED, 0)
        #expect(told.withLock { $0 } == [.signalled(9), .signalled(9)])
    }

    @Test func reasonOfAFailureIsThrown() async throws {
        let (fake, host) = try pair()
        let starting = Task { try await host.start(Sweep.sweeper) }
        while fake.helpers.isEmpty { await Task.yield() }
        fake.failHelper(fake.helpers[0].number, "this kernel has no Landlock")
        let error = await #expect(throws: PluginError.self) { _ = try await starting.value }
        #expect(error?.message == "The helper sweeper could not be started: this kernel has no Landlock")
        #expect(Host.launches.count == 0)
    }

    @Test func endReachesTheHostWithItsGrace() throws {
        let (fake, host) = try pair()
        let started = Mutex<HelperProcess?>(nil)
        try host.start(Sweep.sweeper) { result in started.withLock { $0 = try? result.get() } }
        fake.startHelper(fake.helpers[0].number, socket: try socket())
        let process = try #require(started.withLock { $0 })
        process.end(grace: .seconds(2))
        process.end()
        #expect(fake.helpers[0].ends == [2_000_000_000, 0])
        fake.endHelper(fake.helpers[0].number, MUSTER_PROCESS_SIGNALLED, 15)
    }

    @Test func socketIsClosedWithTheLastReference() throws {
        let (fake, host) = try pair()
        var ends: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        defer { close(ends[1]) }
        let started = Mutex<HelperProcess?>(nil)
        try host.start(Sweep.sweeper) { result in started.withLock { $0 = try? result.get() } }
        fake.startHelper(fake.helpers[0].number, socket: ends[0])
        var byte: UInt8 = 0
        #expect(recv(ends[1], &byte, 1, CInt(MSG_DONTWAIT)) == -1 && errno == EAGAIN)
        started.withLock { $0 = nil }
        // The end of it, by which a helper knows that nobody needs it.
        #expect(recv(ends[1], &byte, 1, CInt(MSG_DONTWAIT)) == 0)
        fake.endHelper(fake.helpers[0].number, MUSTER_PROCESS_EXITED, 0)
    }

    @Test func whatCannotBeAskedForIsThrownAtOnce() async throws {
        let (fake, host) = try pair()
        await #expect(throws: PluginError.self) { _ = try await host.start(Sweep.stranger) }
        fake.limitHelpers(to: 0)
        await #expect(throws: PluginError.self) { _ = try await host.start(Sweep.sweeper) }
        let (_, poor) = try pair(missing: [MUSTER_EXT_PROCESS])
        let error = await #expect(throws: PluginError.self) { _ = try await poor.start(Sweep.sweeper) }
        #expect(error?.kind == .unsupported && error?.message.contains("muster.process/1") == true)
        host.link.close()
        await #expect(throws: PluginError.self) { _ = try await host.start(Sweep.sweeper) }
    }
}

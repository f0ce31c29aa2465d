import MusterABI
@testable import PluginKit
import PluginTesting
import Synchronization
import Testing

/// What the host gives beside requests, used as a plugin would, through the fake host's tables.
@Suite struct HostTests {
    private final class Tool: Plugin, RawListenerHandler {
        static let raw = Listener.raw("wire", port: 50096, help: "Raw.")
        static let description = PluginDescription(
            id: "org.muster.test.tool", name: "Tool", version: "1.0.0", summary: "Tests.", vendor: "Muster",
            licence: "MIT", listeners: [raw])

        let host: Host

        init(options: NoOptions, host: Host) { self.host = host }

        func prepare() throws {
            let descriptors = try host.open(Self.raw, with: self)
            host.log.info("sockets", ["descriptors": "\(descriptors)"])
            let facts = host.facts
            host.log.info(
                "facts", ["all": "\(facts.hostVersion) \(facts.component) \(facts.generation) \(facts.loopCount)"])
        }

        func activate(state: [UInt8]) throws {
            let directory = try host.stateDirectory
            host.log.info("state", ["directory": directory.string])
        }

        func start() { host.log.info("start") }
        func pause() { host.log.info("pause") }
    }

    /// A host and what a component sees of it.
    private func pair() throws -> (FakeHost, Host) {
        let fake = FakeHost(PluginEntry.manifest(of: Tool.self), stateDirectory: "/var/lib/tested")
        var seen: Host?
        fake.withHostTable { seen = (try? HostLink($0)).map(Host.init) }
        return (fake, try #require(seen))
    }

    @Test func rawListenerStateDirectoryAndFactsArrive() throws {
        let fake = FakeHost(PluginEntry.manifest(of: Tool.self), stateDirectory: "/var/lib/tested")
        try fake.start()
        fake.startRaw("wire")
        fake.pauseRaw("wire")
        #expect(fake.logLines.map(\.message) == ["sockets", "facts", "state", "start", "pause"])
        #expect(fake.logLines[0].fields["descriptors"] == "[100, 101]")
        #expect(fake.logLines[1].fields["all"] == "1.2.3 Tested 7 2")
        #expect(fake.logLines[2].fields["directory"] == "/var/lib/tested")
    }

    @Test func missingExtensionIsSaidByName() throws {
        let fake = FakeHost(PluginEntry.manifest(of: Tool.self), missing: [MUSTER_EXT_LISTENER])
        try fake.create()
        let failure = #expect(throws: FakeHost.Failure.self) { try fake.prepare() }
        #expect(failure?.status == MUSTER_UNSUPPORTED)
        #expect(failure?.message.contains("muster.listener/1") == true)
    }

    @Test func logLineBelowTheThresholdIsNotMade() throws {
        let (fake, host) = try pair()
        var made = 0
        func text() -> String {
            made += 1
            return "x"
        }
        host.log.write(.trace, text(), ["k": text()])
        #expect(made == 0)
        host.log.write(.debug, text(), ["k": text()])
        #expect(made == 2)
        #expect(fake.logLines.map(\.fields) == [["k": "x"]])
    }

    @Test func failReachesTheHost() throws {
        let (fake, host) = try pair()
        host.fail("The disk is gone.")
        #expect(fake.failures == ["The disk is gone."])
    }

    @Test func timerFiresOnceOrAgainAndAgain() throws {
        let (fake, host) = try pair()
        let count = Counter()
        try host.startTimer(after: .seconds(1)) { count.add() }
        let again = try host.startTimer(after: .seconds(2), every: .zero, jitter: .milliseconds(5)) { count.add() }
        #expect(fake.timerTimes == [[1_000_000_000, 0, 0], [2_000_000_000, 1, 5_000_000]])
        fake.fireTimers()
        #expect(count.value == 2)
        fake.fireTimers()
        #expect(count.value == 3)
        again.cancel()
        again.cancel()
        fake.fireTimers()
        #expect(count.value == 3)
        #expect(fake.timerCount == 0)
    }

    @Test func timerThatIsCalledAfterItsCancellationDoesNothing() throws {
        let (fake, host) = try pair()
        let count = Counter()
        let timer = try host.startTimer(after: .zero) { count.add() }
        let late = fake.timerCalls()
        timer.cancel()
        for call in late { call() }
        #expect(count.value == 0)
    }

    @Test func timerThatThrowsIsLogged() throws {
        let (fake, host) = try pair()
        try host.startTimer(after: .zero) { throw PluginError("no") }
        fake.fireTimers()
        #expect(fake.logLines.last?.fields["error"] == "no")
    }

    @Test func workRunsThenIsDone() throws {
        let (fake, host) = try pair()
        let count = Counter()
        try host.work({ count.add() }) { cancelled in if !cancelled { count.add(10) } }
        fake.runWork()
        #expect(count.value == 11)
        try host.work({ count.add() }) { cancelled in if cancelled { count.add(100) } }
        fake.cancelWork()
        #expect(count.value == 111)
    }

    @Test func fullPoolIsBusy() throws {
        let (fake, host) = try pair()
        fake.limitWork(to: 1)
        try host.work {}
        #expect(throws: WorkError.busy) { try host.work {} }
        fake.runWork()
        try host.work {}
    }

    @Test func nothingIsCalledAfterTheEnd() throws {
        let (fake, host) = try pair()
        host.link.enter(.stopped)
        #expect(throws: WorkError.stopped) { try host.work {} }
        #expect(throws: PluginError.self) { try host.startTimer(after: .zero) {} }
        host.fail("unheard")
        host.log.info("last words")
        #expect(fake.failures.isEmpty)
        #expect(fake.logLines.count == 1)
        host.link.close()
        host.log.info("unheard")
        #expect(fake.logLines.count == 1)
        #expect(Exchange(1, host.link).respond(.ok, body: []) == .gone)
        #expect(Exchange(1, host.link).tryWrite([UInt8]().span) == .gone)
    }
}

final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func add(_ more: Int = 1) { count.add(more, ordering: .sequentiallyConsistent) }
}

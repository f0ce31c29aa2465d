@testable import Worker
import ControlProtocol
import Glibc
import Locks
import MusterABI
import PluginManifest
import Testing

/// Helpers, as a plugin asks for them and as the supervisor answers.
@Suite struct ProcessExtensionTests {
    private static let declaration = HelperDeclaration(name: "sweeper", program: "muster-sweeper", help: "Sweeps.")

    private func makePlugin() -> TestPlugin { TestPlugin(helpers: [Self.declaration]) }

    private func handler(_ plugin: TestPlugin) -> muster_process_handler {
        var handler = muster_process_handler()
        handler.struct_size = UInt32(MemoryLayout<muster_process_handler>.size)
        handler.context = Unmanaged.passUnretained(plugin).toOpaque()
        handler.on_started = { context, process, socket in
            TestPlugin.at(context)?.note("\(process) started \(fcntl(socket, F_GETFD) >= 0)")
            close(socket)
        }
        handler.on_failed = { context, process, reason in
            TestPlugin.at(context)?.note("\(process) failed: \(reason.repairedText(limit: 1000))")
        }
        handler.on_ended = { context, process, ending, code in
            TestPlugin.at(context)?.note("\(process) ended \(ending) \(code)")
        }
        return handler
    }

    private func start(
        _ plugin: TestPlugin, _ name: String = "sweeper", _ arguments: [String] = [],
        alter: (inout muster_process_handler) -> Void = { _ in }
    ) -> (status: muster_status, number: muster_process_id) {
        guard let table = plugin.find(MUSTER_EXT_PROCESS, as: muster_process.self) else {
            return (MUSTER_UNSUPPORTED, 0)
        }
        var handler = handler(plugin)
        alter(&handler)
        let texts = arguments.map(StableText.init)
        let strings = texts.map(\.value)
        var number: muster_process_id = 0
        let status = name.withABI {
            table.pointee.start?(table.pointee.context, $0, strings, strings.count, &handler, &number, nil)
        }
        withExtendedLifetime(texts) {}
        return (status ?? MUSTER_UNSUPPORTED, number)
    }

    private func end(_ plugin: TestPlugin, _ number: muster_process_id, grace: UInt64 = 0) -> muster_status {
        guard let table = plugin.find(MUSTER_EXT_PROCESS, as: muster_process.self) else { return MUSTER_UNSUPPORTED }
        return table.pointee.end?(table.pointee.context, number, grace) ?? MUSTER_UNSUPPORTED
    }

    private func socket() throws -> [Descriptor] {
        let number = open("/dev/null", O_RDWR | O_CLOEXEC)
        try #require(number >= 0)
        return [Descriptor(owning: number)]
    }

    private func waitUntil(_ condition: () -> Bool) -> Bool {
        let deadline = MonotonicTime.now + 20 * MonotonicTime.second
        while !condition() {
            guard MonotonicTime.now < deadline else { return false }
            sched_yield()
        }
        return true
    }

    /// What the plugin was told of helpers.
    private func fates(_ plugin: TestPlugin) -> [String] { plugin.notes.filter { $0.first?.isNumber == true } }

    @Test func asksTheSupervisorAndTellsOfStartAndEnd() throws {
        let plugin = makePlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        let (status, number) = start(plugin, "sweeper", ["--fast", ""])
        #expect(status == MUSTER_OK && number == 1)
        let request = HelperRequest(component: "A", number: 1, name: "sweeper", arguments: ["--fast", ""])
        #expect(try worker.nextReport() == .helperRequest(request))
        worker.command(.helperStarted(component: "A", number: 1), try socket())
        worker.command(.helperEnded(component: "A", number: 1, .exited(3)))
        #expect(waitUntil { fates(plugin).count == 2 })
        #expect(fates(plugin) == ["1 started true", "1 ended \(MUSTER_PROCESS_EXITED) 3"])
        #expect(end(plugin, 1) == MUSTER_GONE)
        #expect(start(plugin).number == 2)
        _ = try worker.nextReport()
        worker.command(.helperFailed(component: "A", number: 2, reason: "no Landlock"))
        #expect(waitUntil { fates(plugin).count == 3 })
        #expect(fates(plugin).last == "2 failed: no Landlock")
        #expect(worker.stop() == .done)
    }

    @Test func passesTheWishForAnEndOn() throws {
        let plugin = makePlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        #expect(end(plugin, 1) == MUSTER_GONE)
        _ = start(plugin)
        _ = try worker.nextReport()
        #expect(end(plugin, 1, grace: 77) == MUSTER_OK)
        #expect(try worker.nextReport() == .helperEnd(component: "A", number: 1, grace: 77))
        worker.command(.helperFailed(component: "A", number: 1, reason: "ended"))
        #expect(worker.stop() == .done)
    }

    @Test func refusesWhatTheManifestDoesNotDeclareOrTheLimitsDoNotAllow() throws {
        let plugin = makePlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        #expect(start(plugin, "nobody").status == MUSTER_INVALID)
        #expect(start(plugin, "").status == MUSTER_INVALID)
        #expect(start(plugin, "sweeper", ["a\0b"]).status == MUSTER_INVALID)
        #expect(start(plugin, "sweeper", [String](repeating: "a", count: 65)).status == MUSTER_INVALID)
        #expect(start(plugin, "sweeper", [String(repeating: "a", count: 32 << 10)]).status == MUSTER_INVALID)
        #expect(start(plugin) { $0.on_started = nil }.status == MUSTER_INVALID)
        #expect(start(plugin) { $0.on_failed = nil }.status == MUSTER_INVALID)
        #expect(start(plugin) { $0.on_ended = nil }.status == MUSTER_INVALID)
        #expect(start(plugin) { $0.struct_size = 16 }.status == MUSTER_INVALID)
        let table = try #require(plugin.find(MUSTER_EXT_PROCESS, as: muster_process.self))
        var handler = handler(plugin)
        for count in [3, -1, Int.max] {
            let status = "sweeper".withABI {
                table.pointee.start?(table.pointee.context, $0, nil, count, &handler, nil, nil)
            }
            #expect(status == MUSTER_INVALID)
        }
        // The largest that is allowed, and nothing before it was asked for.
        #expect(start(plugin, "sweeper", [String(repeating: "a", count: (32 << 10) - 1)]).number == 1)
        guard case .helperRequest(let request) = try worker.nextReport() else { throw HarnessFailure("no request") }
        #expect(request.number == 1)
        worker.command(.helperFailed(component: "A", number: 1, reason: ""))
        #expect(worker.stop() == .done)
    }

    @Test func sixteenAreAskedForAndNoMore() throws {
        let plugin = makePlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        for _ in 0..<HelperLimits.count { #expect(start(plugin).status == MUSTER_OK) }
        #expect(start(plugin).status == MUSTER_BUSY)
        worker.command(.helperFailed(component: "A", number: 5, reason: ""))
        #expect(waitUntil { !fates(plugin).isEmpty })
        #expect(start(plugin).status == MUSTER_OK)
        for number in 1...UInt64(HelperLimits.count + 1) {
            worker.command(.helperFailed(component: "A", number: number, reason: ""))
        }
        #expect(worker.stop() == .done)
    }

    @Test func stopComesAfterTheEndOfEveryHelper() throws {
        let plugin = makePlugin()
        plugin.behaviours["stop"] = { [self] plugin, _ in
            plugin.note("start in stop answers \(start(plugin).status)")
            return MUSTER_OK
        }
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        _ = start(plugin)
        _ = start(plugin)
        _ = (try worker.nextReport(), try worker.nextReport())
        worker.command(.helperStarted(component: "A", number: 1), try socket())
        #expect(waitUntil { fates(plugin).count == 1 })
        worker.command(.stop)
        #expect(try worker.nextReport() == .helperEnd(component: "A", number: 1, grace: MonotonicTime.second))
        #expect(try worker.nextReport() == .helperEnd(component: "A", number: 2, grace: MonotonicTime.second))
        worker.command(.helperEnded(component: "A", number: 1, .signalled(15)))
        worker.command(.helperFailed(component: "A", number: 2, reason: "its end was asked for"))
        #expect(worker.waitForExit() == .done)
        let notes = plugin.notes
        let stop = try #require(notes.firstIndex(of: "stop"))
        #expect(
            notes[..<stop].suffix(2) == [
                "1 ended \(MUSTER_PROCESS_SIGNALLED) 15", "2 failed: its end was asked for",
            ])
        #expect(notes.contains("start in stop answers \(MUSTER_WRONG_STATE)"))
    }

    @Test func stopWaitsForASilentSupervisorNoLongerThanItsTime() throws {
        let plugin = makePlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        _ = start(plugin)
        _ = start(plugin)
        worker.command(.helperStarted(component: "A", number: 1), try socket())
        #expect(waitUntil { fates(plugin).count == 1 })
        let begun = MonotonicTime.now
        #expect(worker.stop() == .done)
        #expect(MonotonicTime.now - begun < 4 * MonotonicTime.second)
        // Each has its one end all the same.
        #expect(
            fates(plugin) == [
                "1 started true", "1 ended \(MUSTER_PROCESS_SIGNALLED) 9", "2 failed: the component is ending",
            ])
    }

    @Test func deathOfTheSupervisorEndsThemAtOnce() throws {
        let plugin = makePlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        _ = start(plugin)
        worker.command(.helperStarted(component: "A", number: 1), try socket())
        #expect(waitUntil { fates(plugin).count == 1 })
        worker.queue.post(.supervisorGone("closed"))
        #expect(worker.waitForExit() == .done)
        let notes = plugin.notes
        let ended = try #require(notes.firstIndex(of: "1 ended \(MUSTER_PROCESS_SIGNALLED) 9"))
        #expect(try ended < #require(notes.firstIndex(of: "quiesce")))
    }

    @Test func startWithoutItsSocketIsAFailureAndItsEndIsAskedFor() throws {
        let plugin = makePlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        _ = start(plugin)
        _ = try worker.nextReport()
        worker.command(.helperStarted(component: "A", number: 1))
        #expect(try worker.nextReport() == .helperEnd(component: "A", number: 1, grace: 0))
        #expect(waitUntil { fates(plugin).count == 1 })
        // What the supervisor says of it later is nothing new.
        worker.command(.helperEnded(component: "A", number: 1, .signalled(9)))
        worker.command(.helperEnded(component: "Nobody", number: 1, .signalled(9)))
        #expect(worker.stop() == .done)
        #expect(fates(plugin).count == 1 && fates(plugin)[0].contains("no descriptor left"))
    }

    @Test func answerThatComesWhileAnotherStopsIsNotLost() throws {
        let (first, second) = (makePlugin(), makePlugin())
        let worker = try WorkerHarness(["A": first, "B": second])
        try worker.bringUp(["A", "B"])
        _ = start(first)
        _ = start(second)
        worker.command(.stop)
        // B is the first to stop; what comes for A meanwhile is A's.
        worker.command(.helperFailed(component: "A", number: 1, reason: "one"))
        worker.command(.helperFailed(component: "B", number: 1, reason: "two"))
        #expect(worker.waitForExit() == .done)
        #expect(fates(first) == ["1 failed: one"] && fates(second) == ["1 failed: two"])
    }

    @Test func callsFromManyThreadsGetNumbersOfTheirOwn() throws {
        let plugin = makePlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        let numbers = Locked<[UInt64]>([])
        let threads = try (0..<4).map { _ in
            try WorkerThread(name: "caller") {
                for _ in 0..<4 {
                    let (status, number) = start(plugin)
                    if status == MUSTER_OK { numbers.withLock { $0.append(number) } }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(numbers.withLock { $0.sorted() } == Array(1...16))
        for number in 1...16 as ClosedRange<UInt64> {
            worker.command(.helperFailed(component: "A", number: number, reason: ""))
        }
        #expect(worker.stop() == .done)
        #expect(fates(plugin).count == 16)
    }
}

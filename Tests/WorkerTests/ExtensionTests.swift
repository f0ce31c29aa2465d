@testable import Worker
import Locks
import ControlProtocol
import Glibc
import MusterABI
import PluginManifest
import Testing

/// Timers, work and raw listeners, as a plugin uses them.
@Suite struct ExtensionTests {
    private func waitUntil(_ condition: () -> Bool) -> Bool {
        let deadline = MonotonicTime.now + 20 * MonotonicTime.second
        while !condition() {
            guard MonotonicTime.now < deadline else { return false }
            sched_yield()
        }
        return true
    }

    // MARK: Timers

    private func startTimer(
        _ plugin: TestPlugin, delay: UInt64, interval: UInt64 = 0,
        fire: (@convention(c) (UnsafeMutableRawPointer?, muster_timer_id) -> Void)?
    ) -> (muster_status, muster_timer_id) {
        var options = muster_timer_options()
        options.struct_size = UInt32(MemoryLayout<muster_timer_options>.size)
        options.context = Unmanaged.passUnretained(plugin).toOpaque()
        options.fire = fire
        options.delay = delay
        options.interval = interval
        guard let table = plugin.find(MUSTER_EXT_TIMER, as: muster_timer.self) else { return (MUSTER_UNSUPPORTED, 0) }
        var id: muster_timer_id = 0
        let status = table.pointee.start?(table.pointee.context, &options, &id) ?? MUSTER_UNSUPPORTED
        return (status, id)
    }

    private func cancelTimer(_ plugin: TestPlugin, _ id: muster_timer_id) -> muster_status {
        guard let table = plugin.find(MUSTER_EXT_TIMER, as: muster_timer.self) else { return MUSTER_UNSUPPORTED }
        return table.pointee.cancel?(table.pointee.context, id) ?? MUSTER_UNSUPPORTED
    }

    @Test func firesFromActivateOnAndNeverAfterStop() throws {
        let plugin = TestPlugin()
        plugin.behaviours["prepare"] = { [self] plugin, _ in
            let (status, _) = startTimer(plugin, delay: 0, interval: MonotonicTime.millisecond) { context, _ in
                TestPlugin.at(context)?.note("fire")
            }
            return status
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        #expect(try worker.nextReport() == .ready)
        #expect(!plugin.notes.contains("fire"))
        worker.command(.activate([:]))
        #expect(try worker.nextReport() == .activated)
        #expect(waitUntil { plugin.notes.count { $0 == "fire" } >= 3 })
        #expect(worker.stop() == .done)
        let notes = plugin.notes
        let stop = try #require(notes.firstIndex(of: "stop"))
        #expect(!notes[stop...].contains("fire"))
        #expect(try #require(notes.firstIndex(of: "fire")) > #require(notes.firstIndex(of: "activate")))
    }

    @Test func keepsTheNumberOfTimersWithinItsLimitAndItsArgumentsInOrder() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        let never: @convention(c) (UnsafeMutableRawPointer?, muster_timer_id) -> Void = { _, _ in }
        #expect(startTimer(plugin, delay: 0, fire: nil).0 == MUSTER_INVALID)
        var ids: Set<muster_timer_id> = []
        for _ in 0..<TimerExtension.capacity {
            let (status, id) = startTimer(plugin, delay: .max, fire: never)
            #expect(status == MUSTER_OK && id != 0)
            ids.insert(id)
        }
        #expect(ids.count == TimerExtension.capacity)
        #expect(startTimer(plugin, delay: .max, fire: never).0 == MUSTER_BUSY)
        let first = try #require(ids.first)
        #expect(cancelTimer(plugin, first) == MUSTER_OK)
        #expect(cancelTimer(plugin, first) == MUSTER_GONE)
        #expect(cancelTimer(plugin, 0) == MUSTER_GONE)
        #expect(startTimer(plugin, delay: .max, fire: never).0 == MUSTER_OK)
        let table = try #require(plugin.find(MUSTER_EXT_TIMER, as: muster_timer.self))
        #expect(table.pointee.start?(table.pointee.context, nil, nil) == MUSTER_INVALID)
        #expect(table.pointee.start?(nil, nil, nil) == MUSTER_INVALID)
        #expect(worker.stop() == .done)
    }

    @Test func cancelsATimerThatIsDueFromTheTimerBeforeIt() throws {
        let plugin = TestPlugin()
        let second = Locked<muster_timer_id>(0)
        plugin.behaviours["cancel"] = { [self] plugin, _ in cancelTimer(plugin, second.withLock { $0 }) }
        plugin.behaviours["activate"] = { [self] plugin, _ in
            _ = startTimer(plugin, delay: 0) { context, _ in
                guard let plugin = TestPlugin.at(context) else { return }
                plugin.note("first \(plugin.behaviours["cancel"]?(plugin, nil) == MUSTER_OK)")
            }
            let (status, id) = startTimer(plugin, delay: 1) { context, _ in TestPlugin.at(context)?.note("second") }
            second.withLock { $0 = id }
            return status
        }
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        #expect(waitUntil { plugin.notes.contains("first true") })
        #expect(worker.stop() == .done)
        #expect(!plugin.notes.contains("second"))
    }

    // MARK: Work

    private func submit(
        _ plugin: TestPlugin, run: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
    ) -> muster_status {
        var item = muster_work_item()
        item.struct_size = UInt32(MemoryLayout<muster_work_item>.size)
        item.context = Unmanaged.passUnretained(plugin).toOpaque()
        item.run = run
        item.done = { context, isCancelled in
            guard let plugin = TestPlugin.at(context) else { return }
            let isControl = plugin.behaviours["isControlThread"]?(plugin, nil) == MUSTER_OK
            plugin.note(isCancelled == 1 ? "cancelled \(isControl)" : "done \(isControl)")
        }
        guard let table = plugin.find(MUSTER_EXT_WORK, as: muster_work.self) else { return MUSTER_UNSUPPORTED }
        return table.pointee.submit?(table.pointee.context, &item) ?? MUSTER_UNSUPPORTED
    }

    @Test func runsWorkOffTheControlThreadAndDoneOnIt() throws {
        let plugin = TestPlugin()
        plugin.behaviours["activate"] = { plugin, _ in
            let control = ControlThread()
            plugin.behaviours["isControlThread"] = { _, _ in control.isCurrent ? MUSTER_OK : MUSTER_FAILED }
            return MUSTER_OK
        }
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        #expect(submit(plugin, run: nil) == MUSTER_INVALID)
        for _ in 0..<20 {
            let status = submit(plugin) { context in
                guard let plugin = TestPlugin.at(context) else { return }
                plugin.note("run \(plugin.behaviours["isControlThread"]?(plugin, nil) == MUSTER_OK)")
            }
            #expect(status == MUSTER_OK)
        }
        #expect(waitUntil { plugin.notes.count { $0 == "done true" } == 20 })
        #expect(plugin.notes.count { $0 == "run false" } == 20)
        #expect(worker.stop() == .done)
    }

    @Test func waitsForRunningWorkAndCancelsTheRestBeforeStop() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        // Each of the pool's threads is held until the worker is on its way to the end.
        for _ in 0..<8 {
            let status = submit(plugin) { context in
                guard let plugin = TestPlugin.at(context) else { return }
                plugin.note("begin")
                while !plugin.notes.contains("release") { sched_yield() }
                plugin.note("end")
            }
            #expect(status == MUSTER_OK)
        }
        #expect(waitUntil { plugin.notes.count { $0 == "begin" } == 4 })
        #expect(worker.stop() == .done)
        let notes = plugin.notes
        let begun = notes.count { $0 == "begin" }
        #expect(notes.count { $0 == "end" } == begun)
        #expect(notes.count { $0.hasPrefix("done") } == begun)
        #expect(notes.count { $0.hasPrefix("cancelled") } == 8 - begun)
        #expect(notes.suffix(2) == ["stop", "destroy"])
    }

    @Test func refusesWorkBeyondTheQueue() throws {
        let held = Semaphore()
        let pool = WorkPool(threadLimit: 1, queueLimit: 3) {}
        let begun = Semaphore()
        try pool.submit(
            .init(
                run: {
                    begun.signal(); held.wait()
                }, done: { _ in }))
        begun.wait()
        let counted = Locked(0)
        for _ in 0..<3 { try pool.submit(.init(run: {}, done: { _ in counted.withLock { $0 += 1 } })) }
        #expect(throws: WorkPool.Refusal.busy) { try pool.submit(.init(run: {}, done: { _ in })) }
        held.signal()
        pool.close()
        #expect(counted.withLock { $0 } == 3)
        #expect(throws: WorkPool.Refusal.closed) { try pool.submit(.init(run: {}, done: { _ in })) }
    }

    // MARK: Raw listeners

    private static let raw = ListenerPlan(name: "wire", transport: .raw, clientCertificate: .none, maxConnections: 10)
    private static let web = ListenerPlan(name: "web", transport: .http, clientCertificate: .none, maxConnections: 10)

    private struct Opening {
        var status: muster_status
        var descriptors: [Int32]
        var count: Int
        var reason: String
    }

    /// Calls `open` as a plugin does, with a handler that notes what it is told.
    private func open(_ plugin: TestPlugin, _ name: String, capacity: Int = 4, handler: Bool = true) -> Opening {
        var table = muster_listener_handler()
        table.struct_size = UInt32(MemoryLayout<muster_listener_handler>.size)
        table.context = Unmanaged.passUnretained(plugin).toOpaque()
        table.start = { TestPlugin.at($0)?.note("accept") }
        table.pause = { TestPlugin.at($0)?.note("pause") }
        let storage = TableStorage(table)
        // It has to live until destroy; the test process is longer.
        _ = Unmanaged.passRetained(storage)
        guard let listener = plugin.find(MUSTER_EXT_LISTENER, as: muster_listener.self) else {
            return Opening(status: MUSTER_UNSUPPORTED, descriptors: [], count: 0, reason: "")
        }
        var descriptors = [Int32](repeating: -1, count: max(capacity, 1))
        var count = 0
        let (status, error) = ErrorMessage.during { error in
            name.withABI {
                listener.pointee.open?(
                    listener.pointee.context, $0, handler ? storage.pointer : nil, &descriptors, capacity, &count, error
                )
                    ?? MUSTER_UNSUPPORTED
            }
        }
        return Opening(status: status, descriptors: descriptors, count: count, reason: error.message ?? "")
    }

    private func pair() throws -> [Descriptor] {
        var numbers: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &numbers) == 0)
        return numbers.map(Descriptor.init(owning:))
    }

    @Test func opensARawListenerWithTheSupervisorsSockets() throws {
        let plugin = TestPlugin()
        let openings = Locked<[Opening]>([])
        plugin.behaviours["prepare"] = { [self] plugin, _ in
            for (name, capacity) in [("web", 4), ("none", 4), ("wire", 1), ("wire", 4), ("wire", 4)] {
                let opening = open(plugin, name, capacity: capacity)
                openings.withLock { $0.append(opening) }
            }
            return MUSTER_OK
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"], listeners: [Self.raw, Self.web])
        #expect(try worker.nextReport() == .listenerRequest(component: "A", listener: "wire"))
        let sockets = try pair()
        worker.command(
            .listenerGranted(component: "A", listener: "wire", addresses: ["1:1", "2:2"], credentials: nil), sockets)
        #expect(try worker.nextReport() == .ready)
        let seen = openings.withLock { $0 }
        #expect(
            seen.map(\.status)
                == [MUSTER_INVALID, MUSTER_INVALID, MUSTER_INVALID, MUSTER_OK, MUSTER_WRONG_STATE])
        #expect(seen[2].count == 2 && seen[2].descriptors == [-1])
        #expect(seen[3].count == 2 && Array(seen[3].descriptors.prefix(2)) == sockets.map(\.rawValue))
        #expect(!plugin.notes.contains("accept"))
        worker.command(.activate([:]))
        #expect(try worker.nextReport() == .activated)
        #expect(plugin.notes.last == "accept")
        worker.command(.quiesce(deadline: .max))
        _ = try worker.nextReport()
        #expect(plugin.notes.suffix(3) == ["pause", "quiesce", "release"])
        let late = open(plugin, "wire")
        #expect(late.status == MUSTER_WRONG_STATE && late.reason.contains("in prepare"))
        #expect(worker.stop() == .done)
    }

    @Test func tellsThePluginWhyItDoesNotGetAListener() throws {
        let plugin = TestPlugin()
        plugin.behaviours["prepare"] = { [self] plugin, error in
            let opening = open(plugin, "wire")
            explain(opening.reason, in: error)
            return opening.status
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"], listeners: [Self.raw])
        _ = try worker.nextReport()
        worker.command(.listenerRefused(component: "A", listener: "wire", reason: "port 7 is taken by inetd"))
        #expect(
            try worker.nextReport()
                == .failed(WorkerFailure(component: "A", stage: .prepare, message: "port 7 is taken by inetd")))
        #expect(worker.waitForExit() == .failure)
    }

    @Test(arguments: [ControlEvent.command(.stop, []), .supervisorGone("closed"), .terminate])
    func waitsForAListenerNoLongerThanTheWorkerShallLive(_ event: ControlEvent) throws {
        let plugin = TestPlugin()
        plugin.behaviours["prepare"] = { [self] plugin, _ in open(plugin, "wire").status }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"], listeners: [Self.raw])
        #expect(try worker.nextReport() == .listenerRequest(component: "A", listener: "wire"))
        worker.queue.post(event)
        #expect(worker.waitForExit() == .failure)
        #expect(plugin.notes == ["create", "prepare", "destroy"])
    }

    @Test func refusesAGrantWithoutItsSockets() throws {
        let plugin = TestPlugin()
        plugin.behaviours["prepare"] = { [self] plugin, _ in open(plugin, "wire").status }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"], listeners: [Self.raw])
        _ = try worker.nextReport()
        worker.command(
            .listenerGranted(component: "A", listener: "wire", addresses: ["1:1", "2:2"], credentials: nil),
            [try pair()[0]])
        guard case .failed = try worker.nextReport() else { throw HarnessFailure("not failed") }
        #expect(worker.waitForExit() == .failure)
    }
}

@testable import Worker
import ControlProtocol
import FoundationEssentials
import Glibc
import Locks
import MusterABI
import PluginManifest
import Testing

/// `muster.bus/1` as a plugin uses it, with the test as the supervisor.
@Suite struct BusExtensionTests {
    static let plan = BusPlan(uses: [
        BusUse(.publishes, "news"), BusUse(.subscribes, "news"), BusUse(.calls, "jobs"), BusUse(.serves, "echo"),
    ])

    /// What a plugin says when it calls the table.
    private struct Table: @unchecked Sendable {
        // Unchecked: a copy of the host's table, whose functions know their thread.
        let table: muster_bus

        init?(_ plugin: TestPlugin) {
            guard let pointer = plugin.find(MUSTER_EXT_BUS, as: muster_bus.self) else { return nil }
            table = pointer.pointee
        }

        func publish(_ topic: String, _ bytes: [UInt8] = []) -> (muster_status, String) {
            reason { error in
                topic.withABI { topic in
                    bytes.withBytes { table.publish?(table.context, topic, $0, error) ?? MUSTER_UNSUPPORTED }
                }
            }
        }

        func subscribe(_ topic: String, _ plugin: TestPlugin, size: Int = 24, isNull: Bool = false) -> muster_status {
            var subscriber = muster_bus_subscriber()
            subscriber.struct_size = UInt32(size)
            subscriber.context = Unmanaged.passUnretained(plugin).toOpaque()
            subscriber.on_message = { context, message in
                guard let message = message?.pointee else { return }
                let payload = UnsafeBufferPointer(start: message.payload.data, count: message.payload.length)
                TestPlugin.at(context)?.note(
                    "message \(message.topic.repairedText(limit: 99)) \(message.sender.repairedText(limit: 99)) "
                        + String(decoding: payload, as: UTF8.self))
            }
            if isNull { subscriber.on_message = nil }
            return topic.withABI { table.subscribe?(table.context, $0, &subscriber, nil) ?? MUSTER_UNSUPPORTED }
        }

        func serve(_ service: String, _ plugin: TestPlugin, isNull: Bool = false) -> muster_status {
            var server = muster_bus_server()
            server.struct_size = UInt32(MemoryLayout<muster_bus_server>.size)
            server.context = Unmanaged.passUnretained(plugin).toOpaque()
            server.on_call = { context, request in
                guard let request = request?.pointee else { return }
                TestPlugin.at(context)?.note(
                    "call \(request.call) \(request.method.repairedText(limit: 99)) "
                        + "\(request.caller.repairedText(limit: 99)) \(request.payload.length)")
            }
            if isNull { server.on_call = nil }
            return service.withABI { table.serve?(table.context, $0, &server, nil) ?? MUSTER_UNSUPPORTED }
        }

        func call(
            _ plugin: TestPlugin, _ service: String = "jobs", _ method: String = "get", timeout: UInt64 = 1_000_000_000,
            payload: Int = 0, isNull: Bool = false
        ) -> (muster_status, muster_bus_call) {
            var options = muster_bus_call_options()
            options.struct_size = UInt32(MemoryLayout<muster_bus_call_options>.size)
            options.context = Unmanaged.passUnretained(plugin).toOpaque()
            options.timeout = timeout
            options.on_reply = { context, call, answer in
                guard let answer = answer?.pointee else { return }
                let payload = UnsafeBufferPointer(start: answer.payload.data, count: answer.payload.length)
                TestPlugin.at(context)?.note(
                    "reply \(call) \(answer.outcome) \(answer.status) \(String(decoding: payload, as: UTF8.self))"
                        + "|\(answer.reason.repairedText(limit: 999))")
            }
            if isNull { options.on_reply = nil }
            var number: muster_bus_call = 0
            let status = service.withABI { service in
                method.withABI { method in
                    [UInt8](repeating: 7, count: payload).withBytes { bytes in
                        options.service = service
                        options.method = method
                        options.payload = bytes
                        return table.call?(table.context, &options, &number, nil) ?? MUSTER_UNSUPPORTED
                    }
                }
            }
            return (status, number)
        }

        func reply(
            _ call: muster_bus_call, _ status: muster_status = MUSTER_OK, _ bytes: [UInt8] = [], reason: String = ""
        ) -> muster_status {
            bytes.withBytes { bytes in
                reason.withABI { table.reply?(table.context, call, status, bytes, $0) ?? MUSTER_UNSUPPORTED }
            }
        }

        func cancel(_ call: muster_bus_call) -> muster_status {
            table.cancel?(table.context, call) ?? MUSTER_UNSUPPORTED
        }

        private func reason(_ body: (UnsafeMutablePointer<muster_error>) -> muster_status) -> (muster_status, String) {
            let (status, error) = ErrorMessage.during(body)
            return (status, error.message ?? "")
        }
    }

    /// A plugin that subscribes and serves, in an active worker.
    private func active(_ plan: BusPlan = plan) throws -> (WorkerHarness, TestPlugin, Table) {
        let plugin = TestPlugin()
        plugin.behaviours["prepare"] = { plugin, _ in
            guard let table = Table(plugin) else { return MUSTER_UNSUPPORTED }
            let status = table.subscribe("news", plugin)
            return status == MUSTER_OK ? table.serve("echo", plugin) : status
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.command(.prepare([ComponentPlan(component: "A", options: [:], listeners: [], bus: plan)]))
        #expect(try worker.nextReport() == .ready)
        worker.command(.activate([:]))
        #expect(try worker.nextReport() == .activated)
        return (worker, plugin, try #require(Table(plugin)))
    }

    private func waitUntil(_ condition: () -> Bool) -> Bool {
        let deadline = MonotonicTime.now + 20 * MonotonicTime.second
        while !condition() {
            guard MonotonicTime.now < deadline else { return false }
            sched_yield()
        }
        return true
    }

    private func send(_ worker: WorkerHarness, _ command: BusCommand) {
        worker.command(.bus(component: "A", command))
    }

    private func request(_ number: UInt64, service: String = "echo", within: UInt64 = 60) -> BusCommand {
        .request(
            BusRequest(
                number: number, service: service, method: "m", caller: "B", payload: Data("xyz".utf8),
                deadline: MonotonicTime.now + within * MonotonicTime.second))
    }

    private func message(_ text: String) -> BusCommand {
        .message(topic: "news", sender: "B", payload: Data(text.utf8))
    }

    // MARK: Arguments

    @Test func refusesWhatThePluginDoesNotDeclareAndSaysSo() throws {
        let (worker, plugin, table) = try active()
        let (status, reason) = table.publish("other")
        #expect(status == MUSTER_INVALID)
        #expect(reason == "the manifest does not say that A publishes 'other'")
        // In another role it is another name.
        #expect(table.publish("jobs").0 == MUSTER_INVALID)
        #expect(table.call(plugin, "echo").0 == MUSTER_INVALID)
        #expect(table.publish("").0 == MUSTER_INVALID)
        #expect(table.publish(String(repeating: "x", count: 300)).0 == MUSTER_INVALID)
        #expect(worker.stop() == .done)
    }

    @Test func refusesArgumentsThatAreNotAllowed() throws {
        let (worker, plugin, table) = try active()
        let bus = table.table
        #expect(bus.publish?(nil, muster_string(), muster_bytes(), nil) == MUSTER_INVALID)
        #expect(bus.call?(bus.context, nil, nil, nil) == MUSTER_INVALID)
        "news".withABI { news in
            #expect(bus.publish?(bus.context, news, muster_bytes(data: nil, length: 5), nil) == MUSTER_INVALID)
            #expect(bus.publish?(bus.context, news, muster_bytes(data: nil, length: -1), nil) == MUSTER_INVALID)
            #expect(
                bus.publish?(bus.context, muster_string(data: nil, length: 4), muster_bytes(), nil) == MUSTER_INVALID)
        }
        #expect(table.call(plugin, isNull: true).0 == MUSTER_INVALID)
        #expect(table.call(plugin, timeout: 0).0 == MUSTER_INVALID)
        #expect(table.call(plugin, timeout: BusLimits.timeout + 1).0 == MUSTER_INVALID)
        #expect(table.call(plugin, "jobs", "").0 == MUSTER_INVALID)
        #expect(table.call(plugin, "jobs", "two\nlines").0 == MUSTER_INVALID)
        #expect(table.call(plugin, "jobs", String(repeating: "m", count: 257)).0 == MUSTER_INVALID)
        #expect(table.call(plugin, payload: BusLimits.payload + 1).0 == MUSTER_INVALID)
        let (status, reason) = table.publish("news", [UInt8](repeating: 0, count: BusLimits.payload + 1))
        #expect(status == MUSTER_INVALID && reason.contains("262145 bytes; 262144 are allowed"))
        #expect(table.publish("news", [UInt8](repeating: 0, count: BusLimits.payload)).0 == MUSTER_OK)
        #expect(table.reply(12345) == MUSTER_GONE)
        #expect(table.cancel(12345) == MUSTER_GONE)
        #expect(worker.stop() == .done)
    }

    @Test func subscribesAndServesInPrepareAloneOnTheControlThreadOnce() throws {
        let plugin = TestPlugin()
        plugin.behaviours["create"] = { plugin, _ in
            plugin.note("in create \(Table(plugin)?.subscribe("news", plugin) ?? 99)")
            return MUSTER_OK
        }
        plugin.behaviours["prepare"] = { plugin, _ in
            guard let table = Table(plugin) else { return MUSTER_UNSUPPORTED }
            plugin.note(
                "null \(table.subscribe("news", plugin, isNull: true)) \(table.serve("echo", plugin, isNull: true))")
            plugin.note("small \(table.subscribe("news", plugin, size: 16))")
            plugin.note("undeclared \(table.subscribe("other", plugin)) \(table.serve("jobs", plugin))")
            plugin.note("once \(table.subscribe("news", plugin)) \(table.serve("echo", plugin))")
            plugin.note("twice \(table.subscribe("news", plugin)) \(table.serve("echo", plugin))")
            let thread = try? WorkerThread(name: "other") {
                plugin.note("elsewhere \(Table(plugin)?.subscribe("news", plugin) ?? 99)")
            }
            thread?.join()
            plugin.note("too early \(table.publish("news").0) \(table.call(plugin).0)")
            return MUSTER_OK
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.command(.prepare([ComponentPlan(component: "A", options: [:], listeners: [], bus: Self.plan)]))
        #expect(try worker.nextReport() == .ready)
        worker.command(.activate([:]))
        #expect(try worker.nextReport() == .activated)
        #expect(Table(plugin)?.serve("echo", plugin) == MUSTER_WRONG_STATE)
        #expect(worker.stop() == .done)
        for line in [
            "in create 3", "null 2 2", "small 2", "undeclared 2 2", "once 0 0", "twice 3 3", "elsewhere 3",
            "too early 3 3",
        ] { #expect(plugin.notes.contains(line), "\(line) in \(plugin.notes)") }
        // The worker is gone, and with it the table; what it answered last is in the journal.
    }

    // MARK: Messages

    @Test func deliversMessagesBetweenActivateAndQuiesceAndCountsTheOthers() throws {
        let (worker, plugin, _) = try active()
        send(worker, message("one"))
        worker.command(.quiesce(deadline: MonotonicTime.now + MonotonicTime.second))
        send(worker, message("late"))
        #expect(try worker.nextReport() == .released([:]))
        worker.command(.activate([:]))
        #expect(try worker.nextReport() == .activated)
        send(worker, message("again"))
        #expect(waitUntil { plugin.notes.contains("message news B again") })
        #expect(worker.queue.bus.takeDropped().map(\.component) == ["A"])
        #expect(worker.stop() == .done)
        #expect(plugin.notes.filter { $0.hasPrefix("message") } == ["message news B one", "message news B again"])
        let quiesce = try #require(plugin.notes.firstIndex(of: "quiesce"))
        #expect(try #require(plugin.notes.firstIndex(of: "message news B one")) < quiesce)
    }

    @Test func publishesFromAnyThreadUntilStop() throws {
        let (worker, plugin, table) = try active()
        plugin.behaviours["stop"] = { plugin, _ in
            plugin.note("in stop \(Table(plugin)?.publish("news").0 ?? 99) \(Table(plugin)?.call(plugin).0 ?? 99)")
            return MUSTER_OK
        }
        let thread = try WorkerThread(name: "other") { plugin.note("there \(table.publish("news", [1, 2]).0)") }
        thread.join()
        #expect(plugin.notes.contains("there 0"))
        #expect(try worker.nextReport() == .bus(component: "A", .publish(topic: "news", payload: Data([1, 2]))))
        worker.command(.quiesce(deadline: 0))
        #expect(try worker.nextReport() == .released([:]))
        #expect(table.publish("news").0 == MUSTER_OK)
        #expect(worker.stop() == .done)
        #expect(plugin.notes.contains("in stop 3 3"), "\(plugin.notes)")
    }

    @Test func aFloodIsAnsweredBusyAndCounted() throws {
        let (worker, _, table) = try active()
        var taken = 0
        for _ in 0..<20_000 where table.publish("news").0 == MUSTER_OK { taken += 1 }
        #expect(taken >= Int(BusLimits.messagesPerSecond) && taken < 20_000)
        #expect(worker.queue.bus.takeDropped().map(\.1) == [.dropped(topic: "news", count: UInt64(20_000 - taken))])
        #expect(worker.queue.bus.takeDropped().isEmpty)
        #expect(worker.stop() == .done)
    }

    @Test func aSupervisorThatDoesNotReadLeavesNoRoomAndRepliesHaveTheirOwn() throws {
        let (worker, plugin, table) = try active()
        send(worker, request(5))
        #expect(waitUntil { plugin.notes.contains("call 5 m B 3") })
        let payload = [UInt8](repeating: 0, count: BusLimits.payload)
        var status = MUSTER_OK
        for _ in 0..<100 where status == MUSTER_OK { status = table.publish("news", payload).0 }
        #expect(status == MUSTER_BUSY)
        #expect(table.call(plugin).0 == MUSTER_BUSY)
        #expect(table.reply(5) == MUSTER_OK)
        #expect(worker.stop() == .done)
        #expect(!plugin.notes.contains { $0.hasPrefix("reply") }, "a call that was not made has no end")
    }

    // MARK: Calls made

    @Test func aCallGoesOutAndEachEndIsToldOnceInTheHeadersWords() throws {
        let (worker, plugin, table) = try active()
        let ends: [(BusAnswer, String)] = [
            (.replied(BusReply(payload: Data("ok".utf8))), "1 0 ok|"),
            (.replied(BusReply(status: 1, reason: "no", payload: Data("x".utf8))), "2 1 x|no"),
            (.refused(.busy("full")), "3 5 |full"), (.refused(.notAllowed("not you")), "3 6 |not you"),
            (.refused(.unreachable("nobody")), "4 4 |nobody"), (.timedOut, "5 4 |the call's deadline passed"),
            (.lost(reason: "dead"), "6 4 |dead"),
        ]
        for (answer, expected) in ends {
            let before = MonotonicTime.now
            let (status, id) = table.call(plugin, "jobs", "list", timeout: 5 * MonotonicTime.second, payload: 2)
            #expect(status == MUSTER_OK)
            guard case .bus("A", .call(let call)) = try worker.nextReport() else { throw HarnessFailure("no call") }
            #expect(call.id == id && call.service == "jobs" && call.method == "list" && call.payload == Data([7, 7]))
            #expect(call.deadline >= before + 5 * MonotonicTime.second)
            send(worker, .answer(id: id, answer))
            send(worker, .answer(id: id, answer))
            #expect(waitUntil { plugin.notes.contains("reply \(id) \(expected)") }, "\(plugin.notes)")
            #expect(table.cancel(id) == MUSTER_GONE)
        }
        #expect(worker.stop() == .done)
        #expect(plugin.notes.filter { $0.hasPrefix("reply") }.count == ends.count)
    }

    @Test func aCancelledCallEndsOnTheControlThreadAndItsAnswerIsPassedOver() throws {
        let (worker, plugin, table) = try active()
        let (_, id) = table.call(plugin)
        _ = try worker.nextReport()
        #expect(table.cancel(id) == MUSTER_OK)
        #expect(table.cancel(id) == MUSTER_GONE)
        #expect(try worker.nextReport() == .bus(component: "A", .cancel(id: id)))
        #expect(waitUntil { plugin.notes.contains("reply \(id) 7 4 |it was cancelled") })
        send(worker, .answer(id: id, .replied(BusReply())))
        #expect(worker.stop() == .done)
        #expect(plugin.notes.filter { $0.hasPrefix("reply") }.count == 1)
    }

    @Test func stopEndsEveryCallBeforeThePluginsStopAndNothingAfterIt() throws {
        let (worker, plugin, table) = try active()
        let ids = (0..<5).map { _ in table.call(plugin).1 }
        #expect(table.cancel(ids[4]) == MUSTER_OK)
        #expect(worker.stop() == .done)
        let stop = try #require(plugin.notes.firstIndex(of: "stop"))
        for id in ids {
            let index = try #require(plugin.notes.firstIndex { $0.hasPrefix("reply \(id) 7 4 ") })
            #expect(index < stop)
        }
        #expect(plugin.notes.filter { $0.hasPrefix("reply") }.count == 5)
    }

    @Test func callsUnderWayAreBounded() throws {
        let (worker, plugin, table) = try active()
        for _ in 0..<BusLimits.calls { #expect(table.call(plugin).0 == MUSTER_OK) }
        #expect(table.call(plugin).0 == MUSTER_BUSY)
        send(worker, .answer(id: 1, .timedOut))
        #expect(waitUntil { plugin.notes.contains { $0.hasPrefix("reply 1 ") } })
        #expect(table.call(plugin).0 == MUSTER_OK)
        #expect(worker.stop() == .done)
        #expect(plugin.notes.filter { $0.hasPrefix("reply") }.count == BusLimits.calls + 1)
    }

    // MARK: Calls given

    @Test func aCallIsRepliedToOnceFromAnyThread() throws {
        let (worker, plugin, table) = try active()
        send(worker, request(5))
        #expect(waitUntil { plugin.notes.contains("call 5 m B 3") })
        #expect(table.reply(5, MUSTER_OK, [UInt8](repeating: 0, count: BusLimits.payload + 1)) == MUSTER_INVALID)
        let thread = try WorkerThread(name: "other") {
            plugin.note("first \(table.reply(5, MUSTER_FAILED, [1], reason: "two\nlines"))")
        }
        thread.join()
        #expect(plugin.notes.contains("first 0"))
        #expect(table.reply(5) == MUSTER_GONE)
        let reply = BusReply(status: MUSTER_FAILED, reason: "two\\nlines", payload: Data([1]))
        #expect(try worker.nextReport() == .bus(component: "A", .reply(number: 5, reply)))
        #expect(worker.stop() == .done)
    }

    @Test func aReasonIsCutToWhatTheBusTakes() throws {
        let (worker, plugin, table) = try active()
        send(worker, request(5))
        #expect(waitUntil { plugin.notes.contains("call 5 m B 3") })
        #expect(table.reply(5, MUSTER_FAILED, [], reason: String(repeating: "é\n", count: 2000)) == MUSTER_OK)
        guard case .bus("A", .reply(5, let reply)) = try worker.nextReport() else { throw HarnessFailure("no reply") }
        #expect(reply.reason.utf8.count <= BusLimits.reason && reply.reason.utf8.count > BusLimits.reason - 8)
        #expect(worker.stop() == .done)
    }

    @Test func aReplyAfterTheDeadlineOrTheWithdrawalGoesNowhere() throws {
        let (worker, plugin, table) = try active()
        send(worker, request(5, within: 0))
        send(worker, request(6))
        send(worker, .withdrawn(number: 6))
        send(worker, message("then"))
        #expect(waitUntil { plugin.notes.contains("message news B then") })
        #expect(table.reply(5) == MUSTER_GONE)
        #expect(table.reply(6) == MUSTER_GONE)
        #expect(worker.stop() == .done)
    }

    @Test func aCallThatCannotBeGivenIsDeclined() throws {
        let (worker, plugin, _) = try active()
        send(worker, request(5, service: "unserved"))
        guard case .bus("A", .decline(5, .unreachable)) = try worker.nextReport() else {
            throw HarnessFailure("not declined")
        }
        worker.command(.quiesce(deadline: 0))
        #expect(try worker.nextReport() == .released([:]))
        send(worker, request(6))
        guard case .bus("A", .decline(6, .unreachable)) = try worker.nextReport() else {
            throw HarnessFailure("not declined")
        }
        #expect(worker.stop() == .done)
        #expect(!plugin.notes.contains { $0.hasPrefix("call") })
    }

    @Test func theDrainWaitsForTheRepliesThatAreOwed() throws {
        let (worker, plugin, table) = try active()
        send(worker, request(5))
        send(worker, request(6, within: 1))
        worker.command(.quiesce(deadline: 0))
        #expect(try worker.nextReport() == .released([:]))
        worker.command(.drain(deadline: MonotonicTime.now + 60 * MonotonicTime.second))
        // What would follow from the drain at once would come before the second of these.
        for number in [UInt64(7), 8] {
            send(worker, request(number))
            guard case .bus("A", .decline(number, _)) = try worker.nextReport() else {
                throw HarnessFailure("it has drained although replies are owed")
            }
        }
        #expect(plugin.notes.contains("call 5 m B 3") && plugin.notes.contains("call 6 m B 3"))
        #expect(table.reply(5) == MUSTER_OK)
        #expect(try worker.nextReport() == .bus(component: "A", .reply(number: 5, BusReply())))
        // The other runs out by its deadline.
        #expect(try worker.nextReport() == .drained)
        #expect(worker.stop() == .done)
    }

    // MARK: Rights

    @Test func whatTheOperatorDeniesIsUnsupportedUntilItIsAllowed() throws {
        var denied = Self.plan
        denied.denied = ["news", "jobs", "echo"]
        // Subscribing and serving succeed all the same, or active() would throw.
        let (worker, plugin, table) = try active(denied)
        let (status, reason) = table.publish("news")
        #expect(status == MUSTER_UNSUPPORTED && reason.contains("'bus: deny'"))
        #expect(table.call(plugin).0 == MUSTER_UNSUPPORTED)
        send(worker, .plan(Self.plan))
        send(worker, message("now"))
        #expect(waitUntil { plugin.notes.contains("message news B now") })
        #expect(table.publish("news").0 == MUSTER_OK)
        #expect(worker.stop() == .done)
    }
}

@Suite struct BusGateTests {
    private let gate = BusGate()

    private func message(_ count: Int) -> BusCommand {
        .message(topic: "news", sender: "B", payload: Data(count: count))
    }

    @Test func whatWaitsForAComponentIsBoundedInNumberAndBytes() {
        for _ in 0..<BusLimits.incoming { #expect(gate.admits(message(0), for: "A")) }
        #expect(!gate.admits(message(0), for: "A"))
        #expect(gate.admits(message(0), for: "B"), "each component has room of its own")
        gate.leave(message(0), of: "A")
        #expect(gate.admits(message(0), for: "A"))
        let large = message(BusLimits.payload)
        for _ in 0..<(BusLimits.incomingBytes / BusLimits.payload) { #expect(gate.admits(large, for: "C")) }
        #expect(!gate.admits(large, for: "C"))
    }

    @Test func answersAlwaysFindRoom() {
        for _ in 0..<(2 * BusLimits.incoming) { #expect(gate.admits(.answer(id: 1, .timedOut), for: "A")) }
        #expect(gate.admits(message(0), for: "A"))
    }

    @Test func whatFindsNoRoomIsCountedOrDeclined() {
        #expect(gate.turnAway(message(0), from: "A") == nil)
        #expect(gate.turnAway(message(0), from: "A") == nil)
        let request = BusRequest(number: 9, service: "s", method: "m", caller: "B", payload: Data(), deadline: 0)
        guard case .decline(9, .busy) = gate.turnAway(.request(request), from: "A") else {
            Issue.record("not declined")
            return
        }
        #expect(gate.takeDropped().map(\.1) == [.dropped(topic: "news", count: 2)])
    }
}

extension [UInt8] {
    fileprivate func withBytes<Result>(_ body: (muster_bytes) -> Result) -> Result {
        withUnsafeBufferPointer { body(muster_bytes(data: $0.baseAddress, length: $0.count)) }
    }
}

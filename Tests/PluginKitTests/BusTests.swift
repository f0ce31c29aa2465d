import MusterABI
import PluginJSON
@testable import PluginKit
import PluginTesting
import Testing

/// The bus as a plugin in Swift uses it, through the fake host's tables.
@Suite struct BusTests {
    private final class Clerk: Plugin {
        static let activated = Topic("definitions.activated")
        static let jobs = Service("fleet.jobs")
        static let other = Service("fleet.other")
        static let later = Service("fleet.later")
        static let description = PluginDescription(
            id: "org.muster.test.clerk", name: "Clerk", version: "1.0.0", summary: "Tests.", vendor: "Muster",
            licence: "MIT",
            bus: [
                .publishes(activated, help: "New definitions."), .subscribes(activated, help: "New ones."),
                .serves(jobs, help: "Jobs."), .serves(later, help: "In tasks."), .calls(other, help: "Others."),
            ])

        struct Job: Codable, Equatable { var name: String }

        let host: Host

        init(options: NoOptions, host: Host) { self.host = host }

        func prepare() throws {
            let host = host
            try host.subscribe(Self.activated) { message in
                if message.payload.isEmpty { throw PluginError("empty") }
                host.log.info(
                    "message", ["from": message.sender, "text": String(decoding: message.payload, as: UTF8.self)])
            }
            try host.serve(Self.jobs) { call in
                switch call.method {
                case "echo": call.reply(call.payload + Array(call.caller.utf8))
                case "json": try call.reply(json: Job(name: try call.json(as: Job.self).name + "!"))
                case "refuse": throw CallFailure("not today", payload: [1])
                case "break": throw PluginError("a secret mistake")
                case "large": call.reply([UInt8](repeating: 0, count: 300_000))
                default: break
                }
            }
            try host.serve(Self.later) { call in
                if call.method == "silent" { return }
                await Task.yield()
                call.reply(Array("later".utf8))
            }
        }
    }

    private func started() throws -> FakeHost {
        let fake = FakeHost(PluginEntry.manifest(of: Clerk.self))
        try fake.start()
        return fake
    }

    private func pair() throws -> (FakeHost, Host) {
        let fake = FakeHost(PluginEntry.manifest(of: Clerk.self))
        var seen: Host?
        fake.withHostTable { seen = (try? HostLink($0)).map(Host.init) }
        return (fake, try #require(seen))
    }

    /// Waits until a task on another thread has come this far; the test's own limit ends a wait in vain.
    private func until(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test func manifestDeclaresTheUsesAndRequiresTheExtension() throws {
        let manifest = PluginEntry.manifest(of: Clerk.self).pointee
        #expect(manifest.bus_count == 5)
        let specs = (0..<manifest.bus_count).compactMap { manifest.bus[$0]?.pointee }
        #expect(
            specs.map { String($0.name) } == [
                "definitions.activated", "definitions.activated", "fleet.jobs", "fleet.later", "fleet.other",
            ])
        #expect(
            specs.map(\.role) == [
                MUSTER_BUS_PUBLISHES, MUSTER_BUS_SUBSCRIBES, MUSTER_BUS_SERVES, MUSTER_BUS_SERVES, MUSTER_BUS_CALLS,
            ])
        #expect(specs.allSatisfy { $0.struct_size == UInt32(MUSTER_BUS_SPEC_SIZE_1_0) && $0.help.length > 0 })
        #expect(manifest.required_extension_count == 1)
        #expect(manifest.required_extensions.map { String($0.pointee) } == MUSTER_EXT_BUS)
    }

    @Test func missingBusIsSaidByName() throws {
        let fake = FakeHost(PluginEntry.manifest(of: Clerk.self), missing: [MUSTER_EXT_BUS])
        try fake.create()
        let failure = #expect(throws: FakeHost.Failure.self) { try fake.prepare() }
        #expect(failure?.message.contains("muster.bus/1") == true)
    }

    @Test func messagesArriveWithTheirSenderAndWhatAHandlerThrowsIsLogged() throws {
        let fake = try started()
        fake.deliver("definitions.activated", from: "CommAgent", Array("daily".utf8))
        #expect(fake.logLines.last?.fields == ["from": "CommAgent", "text": "daily"])
        fake.deliver("definitions.activated", from: "CommAgent", [])
        #expect(fake.logLines.last?.fields == ["topic": "definitions.activated", "error": "empty"])
        fake.stop()
        fake.destroy()
    }

    @Test func aHandlersReplyGoesBack() throws {
        let fake = try started()
        let number = fake.give("fleet.jobs", "echo", from: "Poll", Array("hi ".utf8))
        #expect(fake.reply(to: number) == FakeReply(status: MUSTER_OK, payload: Array("hi Poll".utf8), reason: ""))
        let json = fake.give("fleet.jobs", "json", from: "Poll", Array(#"{"name":"sweep"}"#.utf8))
        #expect(fake.reply(to: json)?.payload == Array(#"{"name":"sweep!"}"#.utf8))
        let silent = fake.give("fleet.jobs", "other", from: "Poll")
        #expect(fake.reply(to: silent) == nil, "a handler on the control thread may reply later")
    }

    @Test func whatAHandlerThrowsReachesTheCallerOnlyWhereItIsMeantTo() throws {
        let fake = try started()
        let refused = fake.give("fleet.jobs", "refuse", from: "Poll")
        #expect(fake.reply(to: refused) == FakeReply(status: MUSTER_FAILED, payload: [1], reason: "not today"))
        let wrong = fake.give("fleet.jobs", "json", from: "Poll", Array("{".utf8))
        #expect(fake.reply(to: wrong)?.reason == "the payload of 1 bytes is not the JSON of a Job")
        #expect(fake.logLines.isEmpty)
        let broken = fake.give("fleet.jobs", "break", from: "Poll")
        #expect(fake.reply(to: broken)?.reason == "the component could not answer this call")
        #expect(fake.logLines.last?.fields["error"] == "a secret mistake")
        let large = fake.give("fleet.jobs", "large", from: "Poll")
        #expect(fake.reply(to: large)?.status == MUSTER_FAILED)
    }

    @Test(.timeLimit(.minutes(1))) func aTaskRepliesAndOneThatDoesNotFails() async throws {
        let fake = try started()
        let number = fake.give("fleet.later", "any", from: "Poll")
        await until { fake.reply(to: number) != nil }
        #expect(fake.reply(to: number)?.payload == Array("later".utf8))
        let silent = fake.give("fleet.later", "silent", from: "Poll")
        await until { fake.reply(to: silent) != nil }
        #expect(fake.reply(to: silent)?.reason == "the component gave no answer")
        await fake.stopOnControlThread()
        #expect(fake.give("fleet.later", "late", from: "Poll") > 0)
    }

    @Test func publishingReachesTheHostOrThrowsWhy() throws {
        let (fake, host) = try pair()
        try host.publish(Clerk.activated, [1, 2])
        try host.publish(Clerk.activated, json: Clerk.Job(name: "x"))
        #expect(fake.published.map(\.payload) == [[1, 2], Array(#"{"name":"x"}"#.utf8)])
        for (status, kind) in [
            (MUSTER_BUSY, BusError.Kind.busy), (MUSTER_INVALID, .invalid), (MUSTER_UNSUPPORTED, .notAllowed),
            (MUSTER_WRONG_STATE, .wrongState), (77, .failed),
        ] {
            fake.answerBus(with: status)
            let error = #expect(throws: BusError.self) { try host.publish(Clerk.activated) }
            #expect(error?.kind == kind && error?.reason == "the test wants it")
        }
        host.link.enter(.stopped)
        #expect(throws: BusError.lackingBus) { try host.publish(Clerk.activated) }
    }

    @Test(.timeLimit(.minutes(1))) func aCallReturnsTheReply() async throws {
        let (fake, host) = try pair()
        async let reply = host.call(Clerk.other, "get", [9], timeout: .seconds(3))
        await until { fake.calls.count == 1 }
        let call = try #require(fake.calls.first)
        #expect(call.service == "fleet.other" && call.method == "get" && call.payload == [9])
        #expect(call.timeout == 3_000_000_000)
        fake.answerCall(MUSTER_BUS_ANSWERED, payload: [1, 2, 3])
        #expect(try await reply == [1, 2, 3])
        #expect(Host.calls.find(UnsafeMutableRawPointer(bitPattern: UInt(call.id))) == nil)
    }

    @Test(.timeLimit(.minutes(1))) func aCallInJSONReadsTheReply() async throws {
        let (fake, host) = try pair()
        async let reply: Clerk.Job = host.call(
            Clerk.other, "get", json: Clerk.Job(name: "in"), timeout: .seconds(3))
        await until { fake.calls.count == 1 }
        #expect(fake.calls.first?.payload == Array(#"{"name":"in"}"#.utf8))
        fake.answerCall(MUSTER_BUS_ANSWERED, payload: Array(#"{"name":"out"}"#.utf8))
        #expect(try await reply == Clerk.Job(name: "out"))
        async let wrong: Clerk.Job = host.call(
            Clerk.other, "get", json: Clerk.Job(name: "in"), timeout: .seconds(3))
        await until { fake.calls.count == 1 }
        fake.answerCall(MUSTER_BUS_ANSWERED, payload: [])
        do {
            _ = try await wrong
            Issue.record("an empty reply was read")
        } catch {
            #expect((error as? BusError)?.kind == .failed)
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (MUSTER_BUS_FAILED, MUSTER_FAILED, BusError.Kind.failed, true),
            (MUSTER_BUS_REFUSED, MUSTER_BUSY, .busy, false),
            (MUSTER_BUS_REFUSED, MUSTER_UNSUPPORTED, .notAllowed, false),
            (MUSTER_BUS_UNREACHABLE, MUSTER_GONE, .unreachable, false),
            (MUSTER_BUS_TIMED_OUT, MUSTER_GONE, .timedOut, true),
            (MUSTER_BUS_LOST, MUSTER_GONE, .lost, true),
            (MUSTER_BUS_CANCELLED, MUSTER_GONE, .cancelled, true),
            (99, MUSTER_GONE, .lost, true),
        ])
    func aCallThatIsNotAnsweredThrowsWhy(
        outcome: muster_bus_outcome, status: muster_status, kind: BusError.Kind, mayHaveBeenDone: Bool
    ) async throws {
        let (fake, host) = try pair()
        async let reply = host.call(Clerk.other, "get", timeout: .seconds(3))
        await until { fake.calls.count == 1 }
        fake.answerCall(outcome, status: status, payload: [5], reason: "because")
        do {
            _ = try await reply
            Issue.record("answered")
        } catch {
            let failure = error as? BusError
            #expect(failure == BusError(kind, "because", payload: [5]))
            #expect(failure?.mayHaveBeenDone == mayHaveBeenDone)
        }
    }

    @Test(.timeLimit(.minutes(1))) func aCancelledTaskGivesItsCallUp() async throws {
        let (fake, host) = try pair()
        let task = Task { try await host.call(Clerk.other, "get", timeout: .seconds(3)) }
        await until { fake.calls.count == 1 }
        task.cancel()
        let result = await task.result
        #expect(throws: BusError(.cancelled, "it was cancelled")) { try result.get() }
        #expect(fake.calls.isEmpty)
        // And one that is cancelled before it calls.
        let early = Task { () async throws -> [UInt8] in
            while !Task.isCancelled { await Task.yield() }
            return try await host.call(Clerk.other, "get", timeout: .seconds(3))
        }
        early.cancel()
        let earlyResult = await early.result
        #expect(throws: BusError.self) { try earlyResult.get() }
        #expect(fake.calls.isEmpty)
    }

    @Test func aCallThatTheHostDoesNotTakeThrowsAtOnce() async throws {
        let (fake, host) = try pair()
        fake.answerBus(with: MUSTER_BUSY)
        await #expect(throws: BusError(.busy, "the test wants it")) {
            _ = try await host.call(Clerk.other, "get", timeout: .seconds(3))
        }
        host.link.enter(.stopped)
        await #expect(throws: BusError.lackingBus) {
            _ = try await host.call(Clerk.other, "get", timeout: .seconds(3))
        }
    }
}

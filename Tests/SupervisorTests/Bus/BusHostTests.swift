import ControlProtocol
import FoundationEssentials
import PluginManifest
import Testing

@testable import Supervisor

@Suite struct BusHostTests {
    private var bus = BusHarness()

    init() {
        let plan = BusPlan(uses: [BusUse(.calls, "host.status"), BusUse(.calls, "host.other")])
        give(plan, to: "Asker", BusHarness.asker)
    }

    private mutating func give(_ plan: BusPlan, to component: String, _ worker: WorkerID) {
        bus.change { membership in
            membership.members[worker] = .init(plans: [component: plan])
            membership.set(component) { $0.plan = plan }
        }
    }

    private func key(_ id: UInt64) -> BusRelay.CallerKey {
        BusRelay.CallerKey(worker: BusHarness.asker, component: "Asker", id: id)
    }

    @Test mutating func theHostIsAskedForItsStatusAndItsAnswerGoesBack() {
        #expect(bus.call(7, "host.status") == [.askStatus(key(7))])
        let reply = BusReply(payload: Data("{}".utf8))
        #expect(
            bus.handle(.hostReplied(key(7), reply))
                == [.send(BusHarness.asker, component: "Asker", .answer(id: 7, .replied(reply)))])
        #expect(bus.relay.calls.isEmpty && bus.relay.nextDeadline == nil)
        #expect(bus.activity("Asker").callsMade == 1 && bus.activity("Asker").callsFailed == 0)
    }

    @Test mutating func anotherMethodAndAnotherServiceOfTheHostAreNone() {
        bus.call(1, "host.status", method: "set")
        #expect(
            bus.answer(1)
                == .replied(BusReply(status: 6, reason: "host.status has no method 'set', only 'get'")))
        bus.call(2, "host.other")
        #expect(bus.answer(2) == .refused(.unreachable("this host serves no 'host.other'")))
        #expect(bus.activity("Asker").callsFailed == 2)
    }

    @Test mutating func whoDoesNotDeclareItOrIsDeniedItIsNotAnswered() {
        bus.call(1, "host.status", by: "Radio", BusHarness.radio)
        guard case .refused(.notAllowed) = bus.answers(to: BusHarness.radio)[1]?.first else {
            Issue.record("\(bus.answers(to: BusHarness.radio))")
            return
        }
        give(
            BusPlan(uses: [BusUse(.calls, "host.status")], denied: ["host.status"]), to: "Asker", BusHarness.asker)
        bus.call(2, "host.status")
        #expect(bus.answer(2) == .refused(.notAllowed("the configuration takes 'host.status' from Asker")))
        #expect(!bus.log.contains { if case .askStatus = $0 { true } else { false } })
    }

    @Test mutating func anAnswerForAWorkerThatIsGoneGoesNowhere() {
        bus.call(1, "host.status")
        bus.handle(.closed(BusHarness.asker))
        #expect(bus.handle(.hostReplied(key(1), BusReply())).isEmpty)
        bus.remove(BusHarness.asker)
        #expect(bus.handle(.hostReplied(key(1), BusReply())).isEmpty)
    }

    @Test mutating func aDeadlineThatHasPassedAndACallTooManyAreNotAsked() {
        #expect(
            bus.call(1, "host.status", within: 0)
                == [.send(BusHarness.asker, component: "Asker", .answer(id: 1, .timedOut))])
        var asked = 0
        for id in 2...20_000 {
            asked += bus.call(UInt64(id), "host.status").contains(.askStatus(key(UInt64(id)))) ? 1 : 0
        }
        #expect(
            asked == Int(BusRelay.Limits().messagesPerSecond) - 1 || asked == Int(BusRelay.Limits().messagesPerSecond))
    }

    /// A worker's own check refuses such a manifest; the supervisor trusts none.
    @Test mutating func aComponentThatClaimsTheHostsNamesGetsNoneOfThem() {
        let plan = BusPlan(uses: [BusUse(.serves, "host.status"), BusUse(.publishes, "host.news")])
        give(plan, to: "Depot", BusHarness.depot)
        #expect(bus.call(1, "host.status") == [.askStatus(key(1))])
        bus.publish("host.news", by: "Depot", BusHarness.depot)
        #expect(bus.activity("Depot").published == 0 && bus.activity("Depot").violations == 1)
    }
}

@Suite struct HostStatusPayloadTests {
    private func status(components: Int, messageBytes: Int = 0, topics: Int = 0) -> HostStatus {
        HostStatus(
            version: "1.0.0", pid: 1, phase: .running, generation: 1, configurationPath: "/c.yaml",
            isConfigurationStale: false, uptimeSeconds: .infinity,
            components: (0..<components).map { number in
                var status = ComponentStatus(
                    name: "C\(number)", state: .running, message: String(repeating: "m", count: messageBytes), pid: 2,
                    generation: 1, uptimeSeconds: 1, nextAttemptSeconds: nil, restarts: 0, pluginPath: "/p",
                    pluginVersion: nil, pluginDigest: "d", isPluginNewerOnDisk: false, residentBytes: nil,
                    processorSeconds: nil, listeners: [], draining: [])
                var activity = BusActivity()
                for topic in 0..<topics { activity.droppedByTopic["topic.\(topic)"] = 1 }
                status.bus = activity
                return status
            })
    }

    private func decode(_ reply: BusReply) throws -> HostStatus {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
        return try decoder.decode(HostStatus.self, from: reply.payload)
    }

    @Test func allOfItIsSaidInTheWordsOfTheCommand() throws {
        let status = status(components: 3, messageBytes: 5, topics: 2)
        let reply = HostStatusPayload.reply(status)
        #expect(reply.status == 0)
        #expect(try decode(reply) == status)
        #expect(String(decoding: reply.payload, as: UTF8.self).contains("\"configurationPath\":\"/c.yaml\""))
    }

    @Test func whatDoesNotFitIsLeftOutAndSaidSo() throws {
        let topics = try decode(HostStatusPayload.reply(status(components: 20, messageBytes: 9, topics: 2000)))
        #expect(topics.leftOut == ["components[].bus.droppedByTopic"])
        #expect(topics.components.count == 20 && topics.components.allSatisfy { $0.message?.count == 9 })
        let reply = HostStatusPayload.reply(status(components: 400, messageBytes: 1000))
        let messages = try decode(reply)
        #expect(reply.payload.count <= BusLimits.payload)
        #expect(messages.leftOut == ["components[].bus.droppedByTopic", "components[].message"])
        #expect(messages.components.count == 400)
    }

    @Test func whatNeverFitsIsRefusedWithAReason() {
        let reply = HostStatusPayload.reply(status(components: 5000))
        #expect(reply.status == 1 && reply.payload.isEmpty)
        #expect(reply.reason == "the status of 5000 components is too large")
    }
}

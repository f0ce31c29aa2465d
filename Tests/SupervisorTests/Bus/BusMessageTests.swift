import ControlProtocol
import FoundationEssentials
import PluginManifest
import Testing

@testable import Supervisor

@Suite struct BusMessageTests {
    private var bus = BusHarness()

    @Test mutating func aMessageGoesToEverySubscriberButItsPublisherWithTheSendersName() {
        let actions = bus.publish("news", "hello")
        let message = BusCommand.message(topic: "news", sender: "Asker", payload: Data("hello".utf8))
        #expect(
            actions == [
                .send(BusHarness.depot, component: "Depot", message),
                .send(BusHarness.radio, component: "Radio", message),
            ])
        #expect(bus.activity("Asker").published == 1 && bus.activity("Asker").delivered == 0)
        #expect(bus.activity("Depot").delivered == 1)
    }

    @Test mutating func aMessageToAComponentThatIsNotActiveIsDroppedAndCounted() {
        bus.quiesceDepot()
        #expect(bus.publish().count == 1)
        #expect(bus.activity("Depot").dropped == 1)
        #expect(bus.activity("Depot").droppedByTopic == ["news": 1])
        bus.activateDepot()
        #expect(bus.messages(to: WorkerID(number: 4)) == 0, "nothing is kept for later")
    }

    @Test mutating func onlyTheActiveWorkerGetsMessagesNotTheOneThatDrains() {
        bus.activateDepot()
        bus.publish()
        #expect(bus.messages(to: BusHarness.depot) == 0)
        #expect(bus.messages(to: WorkerID(number: 4)) == 1)
    }

    @Test mutating func aWorkerThatDrainsMayStillPublish() {
        bus.change { $0.set("Asker") { $0.server = nil } }
        #expect(bus.publish().count == 2)
    }

    @Test mutating func aMessageUnderAnUndeclaredTopicIsDroppedCountedAndSaidOnce() {
        #expect(bus.publish("secrets").count == 1)
        #expect(bus.publish("secrets").isEmpty)
        #expect(bus.accusations == 1)
        #expect(bus.activity("Asker").violations == 2)
        #expect(bus.activity("Asker").published == 0)
        // What another component may, this one may not.
        bus.publish("news", by: "Depot", BusHarness.depot)
        #expect(bus.activity("Depot").violations == 1)
        #expect(bus.messages(to: BusHarness.radio) == 0)
    }

    @Test mutating func aMessageBeyondTheLimitsIsAViolation() {
        bus.publish("news", String(repeating: "x", count: BusLimits.payload))
        #expect(bus.activity("Asker").violations == 0)
        bus.publish("news", String(repeating: "x", count: BusLimits.payload + 1))
        bus.publish(String(repeating: "x", count: BusLimits.name + 1))
        bus.publish("")
        #expect(bus.activity("Asker").violations == 3)
        #expect(bus.messages(to: BusHarness.depot) == 1)
    }

    @Test mutating func aDeniedTopicIsDroppedAndCountedWithoutAnAccusation() {
        bus.change { $0.set("Asker") { $0.plan.denied = ["news"] } }
        #expect(bus.publish().isEmpty)
        #expect(bus.activity("Asker").dropped == 1)
        #expect(bus.activity("Asker").violations == 0)
    }

    @Test mutating func aSubscriberThatIsDeniedTheTopicGetsNothingAndCountsNothing() {
        bus.change { $0.set("Depot") { $0.plan.denied = ["news"] } }
        #expect(bus.publish().count == 1)
        #expect(bus.activity("Depot").dropped == 0)
    }

    @Test mutating func topicsMatchExactly() {
        bus.change { $0.members[BusHarness.asker]?.plans["Asker"]?.uses.append(BusUse(.publishes, "news.more")) }
        #expect(bus.publish("news.more").isEmpty)
        #expect(bus.activity("Asker").published == 1)
    }

    @Test mutating func aFullSocketDropsMessagesToItAloneAndCountsThem() {
        bus.handle(.backlog(BusHarness.depot, bus.relay.limits.backlog + 1))
        bus.publish()
        #expect(bus.messages(to: BusHarness.depot) == 0)
        #expect(bus.messages(to: BusHarness.radio) == 1)
        #expect(bus.activity("Depot").dropped == 1)
        bus.handle(.backlog(BusHarness.depot, 0))
        bus.publish()
        #expect(bus.messages(to: BusHarness.depot) == 1)
    }

    @Test mutating func whatIsSentCountsAgainstTheSocketBeforeTheDriverSaysSo() {
        let payload = String(repeating: "x", count: BusLimits.payload)
        for _ in 0..<100 { bus.publish("news", payload) }
        let sent = bus.messages(to: BusHarness.depot)
        #expect(sent > 10 && sent * BusLimits.payload <= bus.relay.limits.backlog + BusLimits.payload)
        #expect(bus.activity("Depot").dropped == UInt64(100 - sent))
    }

    @Test mutating func aFloodIsCutAtTheRateAndTheRateFillsAgain() {
        let rate = Int(bus.relay.limits.messagesPerSecond)
        for _ in 0..<(rate + 500) {
            bus.handle(.backlog(BusHarness.depot, 0))
            bus.publish()
        }
        #expect(bus.activity("Asker").published == UInt64(rate))
        #expect(bus.activity("Asker").dropped == 500)
        bus.now += .milliseconds(500)
        for _ in 0..<rate { bus.publish() }
        #expect(abs(Int(bus.activity("Asker").published) - rate - rate / 2) <= 1)
        // Another component has a rate of its own.
        bus.call(1, by: "Radio", BusHarness.radio)
        #expect(bus.activity("Radio").callsFailed == 0)
    }

    @Test mutating func whatAWorkerDroppedItselfIsCountedUnderADeclaredTopicAlone() {
        bus.handle(.report(BusHarness.depot, component: "Depot", .dropped(topic: "news", count: 7)))
        #expect(bus.activity("Depot").droppedByTopic == ["news": 7])
        bus.handle(.report(BusHarness.depot, component: "Depot", .dropped(topic: "other", count: 7)))
        #expect(bus.activity("Depot").droppedByTopic == ["news": 7])
        #expect(bus.activity("Depot").violations == 1)
        bus.handle(.report(BusHarness.depot, component: "Depot", .dropped(topic: "news", count: .max)))
        #expect(bus.activity("Depot").dropped == 6, "a count that lies wraps, and does not trap")
    }

    @Test mutating func whoIsNoMemberIsNotHeard() {
        #expect(bus.publish(by: "Asker", WorkerID(number: 99)).isEmpty)
        #expect(bus.publish(by: "Asker", BusHarness.depot).isEmpty, "another component's name is of no use")
        bus.handle(.closed(BusHarness.asker))
        #expect(bus.publish().isEmpty)
        #expect(bus.accusations == 0)
    }

    @Test mutating func countersOutliveWorkersAndEndWithTheirComponent() {
        bus.publish()
        bus.remove(BusHarness.depot)
        bus.activateDepot()
        #expect(bus.activity("Depot").delivered == 1)
        bus.change { $0.components.removeAll { $0.name == "Depot" } }
        #expect(bus.relay.activity(of: "Depot") == nil)
        bus.change { $0.components.append(.init(name: "Idle", plan: BusPlan(), server: nil)) }
        #expect(bus.relay.activity(of: "Idle") == nil, "a component without business on the bus has no counters")
    }
}

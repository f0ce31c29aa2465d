import ControlProtocol
import FoundationEssentials
import PluginManifest
import Testing

@testable import Supervisor

@Suite struct BusCallTests {
    private var bus = BusHarness()

    private func isBusy(_ answer: BusAnswer?) -> Bool {
        if case .refused(.busy) = answer { true } else { false }
    }

    private func isNotAllowed(_ answer: BusAnswer?) -> Bool {
        if case .refused(.notAllowed) = answer { true } else { false }
    }

    private func isUnreachable(_ answer: BusAnswer?) -> Bool {
        if case .refused(.unreachable) = answer { true } else { false }
    }

    private func isLost(_ answer: BusAnswer?) -> Bool {
        if case .lost = answer { true } else { false }
    }

    // MARK: Handed over and answered

    @Test mutating func aCallIsHandedOverWithTheCallersNameAndItsReplyGoesBack() throws {
        bus.call(7, method: "list", payload: Data("all".utf8))
        let request = try #require(bus.requests().first)
        #expect(request.service == "jobs" && request.method == "list" && request.payload == Data("all".utf8))
        #expect(request.caller == "Asker")
        #expect(request.deadline == bus.now + .seconds(10))
        #expect(bus.relay.nextDeadline == request.deadline)
        let reply = BusReply(status: 0, payload: Data("none".utf8))
        #expect(
            bus.reply(request.number, reply)
                == [.send(BusHarness.asker, component: "Asker", .answer(id: 7, .replied(reply)))])
        #expect(bus.relay.nextDeadline == nil)
        #expect(bus.activity("Asker").callsMade == 1 && bus.activity("Asker").callsFailed == 0)
        #expect(bus.activity("Depot").callsServed == 1)
    }

    @Test mutating func aReplyThatItCouldNotBeDoneIsAFailedCall() throws {
        bus.call(1)
        bus.reply(try #require(bus.requests().first).number, BusReply(status: 1, reason: "no"))
        #expect(bus.answer(1) == .replied(BusReply(status: 1, reason: "no")))
        #expect(bus.activity("Asker").callsFailed == 1)
    }

    @Test mutating func aSecondReplyAndALateOneGoNowhereAndAreNoOffence() throws {
        bus.call(1)
        let number = try #require(bus.requests().first).number
        bus.reply(number)
        #expect(bus.reply(number).isEmpty)
        bus.call(2)
        bus.pass(.seconds(11))
        #expect(bus.reply(number + 1).isEmpty)
        #expect(bus.activity("Depot").violations == 0)
        #expect(bus.answers().values.allSatisfy { $0.count == 1 })
    }

    @Test mutating func aReplyByAnotherWorkerOrComponentIsAViolation() throws {
        bus.call(1)
        let number = try #require(bus.requests().first).number
        bus.reply(number, by: "Radio", BusHarness.radio)
        #expect(bus.answer(1) == nil)
        #expect(bus.activity("Radio").violations == 1)
        bus.activateDepot()
        bus.reply(number, by: "Depot", WorkerID(number: 4))
        #expect(bus.answer(1) == nil, "the newer worker was not given it")
        bus.reply(number)
        #expect(bus.answer(1) == .replied(BusReply()))
    }

    @Test mutating func aReplyBeyondTheLimitsIsAViolationAndTheCallIsLost() throws {
        bus.call(1)
        bus.reply(
            try #require(bus.requests().first).number, BusReply(payload: Data(count: BusLimits.payload + 1)))
        #expect(isLost(bus.answer(1)))
        #expect(bus.activity("Depot").violations == 1)
    }

    @Test mutating func aDeclinedCallIsRefused() throws {
        bus.call(1)
        let number = try #require(bus.requests().first).number
        bus.handle(.report(BusHarness.depot, component: "Depot", .decline(number: number, .busy("full"))))
        #expect(bus.answer(1) == .refused(.busy("full")))
        #expect(bus.relay.calls.isEmpty)
    }

    // MARK: Refused

    @Test mutating func aCallThatIsNotDeclaredIsAViolationAndStillAnswered() {
        bus.call(1, "treasure")
        #expect(isNotAllowed(bus.answer(1)))
        #expect(bus.activity("Asker").violations == 1)
        #expect(bus.requests().isEmpty)
    }

    @Test mutating func aCallBeyondTheLimitsIsAViolationAndStillAnswered() {
        bus.call(1, method: "")
        bus.call(2, method: String(repeating: "m", count: 257))
        bus.call(3, payload: Data(count: BusLimits.payload + 1))
        for id in 1...3 { #expect(isNotAllowed(bus.answer(UInt64(id)))) }
        #expect(bus.activity("Asker").violations == 3)
    }

    @Test mutating func aNumberThatIsUnderWayCannotBeUsedAgain() {
        bus.call(1)
        bus.call(1)
        #expect(bus.requests().count == 1)
        #expect(bus.activity("Asker").violations == 1)
    }

    @Test mutating func aServiceThatNobodyServesIsUnreachable() {
        bus.call(1, "away")
        #expect(isUnreachable(bus.answer(1)))
        #expect(bus.activity("Asker").callsFailed == 1)
    }

    @Test mutating func aServiceThatIsDeniedItsServerIsUnreachableAndOneDeniedItsCallerNotAllowed() {
        bus.change { $0.set("Depot") { $0.plan.denied = ["jobs"] } }
        bus.call(1)
        #expect(isUnreachable(bus.answer(1)))
        bus.change { membership in
            membership.set("Depot") { $0.plan.denied = [] }
            membership.set("Asker") { $0.plan.denied = ["jobs"] }
        }
        bus.call(2)
        #expect(isNotAllowed(bus.answer(2)))
        #expect(bus.activity("Asker").violations == 0)
    }

    @Test mutating func onlyTheCallersThatTheConfigurationNamesMayCall() {
        bus.change { $0.set("Depot") { $0.plan.callers = ["jobs": ["Radio"]] } }
        bus.call(1)
        #expect(isNotAllowed(bus.answer(1)))
        bus.call(1, by: "Radio", BusHarness.radio)
        #expect(bus.requests().map(\.caller) == ["Radio"])
        bus.change { $0.set("Depot") { $0.plan.callers = ["jobs": []] } }
        bus.call(2, by: "Radio", BusHarness.radio)
        #expect(bus.requests().count == 1)
    }

    @Test mutating func aCallToASlowReceiverIsRefusedBusyNotDropped() {
        bus.handle(.backlog(BusHarness.depot, bus.relay.limits.backlog + 1))
        bus.call(1)
        #expect(isBusy(bus.answer(1)))
    }

    @Test mutating func aComponentHasSoManyCallsUnderWayAndNoMore() {
        var limits = BusRelay.Limits()
        limits.calls = 3
        bus = BusHarness(limits)
        for id in 1...4 { bus.call(UInt64(id)) }
        #expect(bus.requests().count == 3)
        #expect(isBusy(bus.answer(4)))
        bus.reply(bus.requests()[0].number)
        bus.call(5)
        #expect(bus.requests().count == 4)
    }

    @Test mutating func aServerHasSoManyCallsToAnswerAndNoMore() {
        var limits = BusRelay.Limits()
        limits.calls = 3
        bus = BusHarness(limits)
        for id in 1...3 { bus.call(UInt64(id)) }
        bus.call(1, by: "Radio", BusHarness.radio)
        #expect(isBusy(bus.answers(to: BusHarness.radio)[1]?.first))
    }

    @Test mutating func callsCountAgainstTheRate() {
        let rate = bus.relay.limits.messagesPerSecond
        for _ in 0..<rate { bus.publish() }
        bus.call(1)
        #expect(isBusy(bus.answer(1)))
    }

    // MARK: Deadlines

    @Test mutating func theDeadlineAnswersTheCallerAndTheNextDeadlineIsTheNextCalls() {
        bus.call(1, within: .seconds(5))
        bus.call(2, within: .seconds(3))
        #expect(bus.relay.nextDeadline == bus.now + .seconds(3))
        bus.pass(.seconds(3))
        #expect(bus.answer(2) == .timedOut && bus.answer(1) == nil)
        #expect(bus.relay.nextDeadline == bus.now + .seconds(2))
        bus.pass(.seconds(2))
        #expect(bus.answer(1) == .timedOut)
        #expect(bus.relay.nextDeadline == nil)
    }

    @Test mutating func aDeadlineThatHasPassedIsAnsweredAtOnceAndOneTooFarIsBroughtNear() {
        bus.call(1, within: 0)
        #expect(bus.answer(1) == .timedOut && bus.requests().isEmpty)
        bus.call(2, within: .max)
        #expect(bus.requests().first?.deadline == bus.now + BusLimits.timeout)
    }

    @Test mutating func aReplyThatCameBeforeTheTickCountsHoweverLateTheSupervisorIs() throws {
        bus.call(1, within: .seconds(1))
        bus.now += .seconds(30)
        bus.reply(try #require(bus.requests().first).number)
        #expect(bus.answer(1) == .replied(BusReply()))
    }

    // MARK: Waiting

    @Test mutating func aCallWaitsForAComponentThatIsNotActiveAndGoesToTheNextWorkerInOrder() {
        bus.quiesceDepot()
        for id in 1...3 { bus.call(UInt64(id), method: "m\(id)") }
        #expect(bus.requests().isEmpty && bus.answers().isEmpty)
        bus.activateDepot()
        #expect(bus.requests(to: WorkerID(number: 4)).map(\.method) == ["m1", "m2", "m3"])
        #expect(bus.requests(to: BusHarness.depot).isEmpty)
    }

    @Test mutating func aCallWaitsForARestart() {
        bus.remove(BusHarness.depot)
        bus.call(1)
        #expect(bus.answers().isEmpty)
        bus.activateDepot()
        #expect(bus.requests(to: WorkerID(number: 4)).count == 1)
    }

    @Test mutating func aCallWaitsNoLongerThanItsDeadline() {
        bus.quiesceDepot()
        bus.call(1, within: .seconds(2))
        bus.pass(.seconds(2))
        #expect(bus.answer(1) == .timedOut)
        bus.activateDepot()
        #expect(bus.requests(to: WorkerID(number: 4)).isEmpty)
    }

    @Test mutating func aCallWhoseDeadlinePassedUnseenIsNotHandedOver() {
        bus.quiesceDepot()
        bus.call(1, within: .seconds(2))
        bus.now += .seconds(3)
        bus.activateDepot()
        #expect(bus.requests(to: WorkerID(number: 4)).isEmpty)
        #expect(bus.answer(1) == .timedOut)
    }

    @Test mutating func whatWaitsIsBoundedInNumberAndBytes() {
        var limits = BusRelay.Limits()
        limits.waitingBytes = 1000
        limits.calls = 5
        bus = BusHarness(limits)
        bus.quiesceDepot()
        bus.call(1, payload: Data(count: 600))
        bus.call(2, payload: Data(count: 600))
        #expect(isBusy(bus.answer(2)))
        for id in 3...6 { bus.call(UInt64(id)) }
        #expect(bus.relay.waiting.count == 5)
        bus.call(1, by: "Radio", BusHarness.radio)
        #expect(isBusy(bus.answers(to: BusHarness.radio)[1]?.first))
    }

    @Test mutating func aComponentThatWaitsForAReloadIsUnreachableForOldAndNewCalls() {
        bus.quiesceDepot()
        bus.call(1)
        bus.change { $0.set("Depot") { $0.isComing = false } }
        #expect(isUnreachable(bus.answer(1)))
        bus.call(2)
        #expect(isUnreachable(bus.answer(2)))
    }

    @Test mutating func aReloadThatRemovesTheServiceEndsWhatWaits() {
        bus.quiesceDepot()
        bus.call(1)
        bus.change { $0.components.removeAll { $0.name == "Depot" } }
        #expect(isUnreachable(bus.answer(1)))
    }

    @Test mutating func aReloadThatGivesTheServiceToAnotherComponentTakesWhatWaitsThere() {
        bus.quiesceDepot()
        bus.call(1)
        bus.change { membership in
            membership.components.removeAll { $0.name == "Depot" }
            membership.set("Radio") { $0.plan.uses.append(BusUse(.serves, "jobs")) }
        }
        #expect(bus.requests(to: BusHarness.radio).count == 1)
        bus.reply(bus.requests(to: BusHarness.radio)[0].number, by: "Radio", BusHarness.radio)
        #expect(bus.answer(1) == .replied(BusReply()))
        #expect(bus.relay.owed.isEmpty && bus.relay.made.isEmpty && bus.relay.queues.isEmpty)
    }

    @Test mutating func aConfigurationThatForbidsTheCallMeanwhileRefusesIt() {
        bus.quiesceDepot()
        bus.call(1)
        bus.change { $0.set("Depot") { $0.plan.callers = ["jobs": []] } }
        #expect(isNotAllowed(bus.answer(1)))
    }

    @Test mutating func aHostThatStopsLetsNothingWait() {
        bus.quiesceDepot()
        bus.call(1)
        bus.change { $0.isStopping = true }
        #expect(isUnreachable(bus.answer(1)))
        bus.call(2)
        #expect(isUnreachable(bus.answer(2)))
    }

    @Test mutating func whatWaitsIsHandedOverAsThereIsRoomAndNewCallsGoBehindIt() {
        bus.quiesceDepot()
        let payload = Data(count: BusLimits.payload)
        for id in 1...30 { bus.call(UInt64(id), method: "m\(id)", payload: payload) }
        bus.activateDepot()
        let worker = WorkerID(number: 4)
        let first = bus.requests(to: worker).count
        #expect(first > 5 && first < 20)
        bus.call(31, method: "m31")
        #expect(bus.requests(to: worker).count == first)
        for _ in 0..<5 { bus.handle(.backlog(worker, 0)) }
        #expect(bus.requests(to: worker).map(\.method) == (1...31).map { "m\($0)" })
        #expect(bus.relay.queues.isEmpty)
    }

    // MARK: Ends of workers

    @Test mutating func aCallInTheHandsOfAWorkerThatDiesIsLostAtOnceAndNeverHandedOverAgain() {
        bus.call(1)
        bus.handle(.closed(BusHarness.depot))
        #expect(isLost(bus.answer(1)))
        bus.remove(BusHarness.depot)
        bus.activateDepot()
        #expect(bus.requests(to: WorkerID(number: 4)).isEmpty)
        #expect(bus.answers()[1]?.count == 1)
    }

    @Test mutating func aWorkerWhoseSocketEndedIsGivenNothingThoughItIsNotReapedYet() {
        bus.handle(.closed(BusHarness.depot))
        bus.call(1)
        bus.publish()
        #expect(bus.sent(to: BusHarness.depot).isEmpty)
        bus.remove(BusHarness.depot)
        bus.activateDepot()
        #expect(bus.requests(to: WorkerID(number: 4)).count == 1)
    }

    @Test mutating func aWorkerThatDrainsRepliesToWhatItWasGivenAndIsGivenNoMore() throws {
        bus.call(1)
        bus.quiesceDepot()
        bus.call(2)
        #expect(bus.requests().count == 1)
        bus.activateDepot()
        #expect(bus.requests(to: WorkerID(number: 4)).count == 1)
        bus.reply(try #require(bus.requests().first).number)
        #expect(bus.answer(1) == .replied(BusReply()))
    }

    @Test mutating func aWorkerThatDrainsMayStillCallAndHearsTheAnswer() throws {
        bus.change { $0.set("Asker") { $0.server = nil } }
        bus.call(1)
        bus.reply(try #require(bus.requests().first).number)
        #expect(bus.answer(1) == .replied(BusReply()))
    }

    @Test mutating func callsOfAWorkerThatIsGoneAreForgottenAndItsServerIsTold() throws {
        bus.call(1)
        bus.quiesceDepot()
        bus.call(2)
        bus.handle(.closed(BusHarness.asker))
        #expect(bus.relay.calls.isEmpty && bus.relay.waiting.isEmpty)
        let number = try #require(bus.requests().first).number
        #expect(bus.sent(to: BusHarness.depot).last == .withdrawn(number: number))
        bus.reply(number)
        #expect(bus.sent(to: BusHarness.asker).isEmpty)
        #expect(bus.activity("Depot").violations == 0)
    }

    @Test mutating func workersThatDieTogetherAreSentNothing() {
        bus.call(1)
        let count = bus.log.count
        bus.change {
            $0.members[BusHarness.asker] = nil
            $0.members[BusHarness.depot] = nil
            $0.set("Asker") { $0.server = nil }
            $0.set("Depot") { $0.server = nil }
        }
        #expect(bus.log.count == count)
        #expect(bus.relay.calls.isEmpty)
    }

    @Test mutating func aCancelledCallIsForgottenAndItsServerIsTold() throws {
        bus.call(1)
        bus.handle(.report(BusHarness.asker, component: "Asker", .cancel(id: 1)))
        let number = try #require(bus.requests().first).number
        #expect(bus.sent(to: BusHarness.depot).last == .withdrawn(number: number))
        bus.reply(number)
        #expect(bus.answers().isEmpty)
        bus.handle(.report(BusHarness.asker, component: "Asker", .cancel(id: 1)))
        bus.handle(.report(BusHarness.asker, component: "Asker", .cancel(id: 99)))
        #expect(bus.activity("Asker").callsFailed == 1)
        #expect(bus.relay.made.isEmpty && bus.relay.owed.isEmpty)
    }

    @Test mutating func aCallerThatDoesNotReadLosesAnswersNotItsWorker() throws {
        bus.call(1)
        bus.handle(.backlog(BusHarness.asker, bus.relay.limits.answerBacklog + 1))
        bus.reply(try #require(bus.requests().first).number, BusReply(payload: Data(count: 1000)))
        #expect(isLost(bus.answer(1)))
    }

    @Test mutating func twoComponentsOfOneWorkerCallEachOtherThroughTheRelay() throws {
        let shared = WorkerID(number: 9)
        bus.change { membership in
            membership.members = [shared: .init(plans: BusHarness.plans)]
            for name in ["Asker", "Depot", "Radio"] { membership.set(name) { $0.server = shared } }
        }
        bus.call(1, by: "Asker", shared)
        bus.call(1, by: "Radio", shared)
        #expect(bus.requests(to: shared).map(\.caller) == ["Asker", "Radio"])
        bus.reply(try #require(bus.requests(to: shared).last).number, by: "Depot", shared)
        #expect(
            bus.log.last == .send(shared, component: "Radio", .answer(id: 1, .replied(BusReply()))))
    }
}

import ControlProtocol
import Testing

@testable import Supervisor

@Suite struct HelperMachineTests {
    private let worker = WorkerID(number: 7)

    private func request(
        _ number: UInt64, _ name: String = "plain", arguments: [String] = [], component: String = "App"
    ) -> HelperRequest {
        HelperRequest(component: component, number: number, name: name, arguments: arguments)
    }

    private func ask(
        _ machine: inout HelperMachine, _ request: HelperRequest, at now: Instant = 1, isStaged: Bool = true,
        of worker: WorkerID? = nil
    ) -> [HelperAction] {
        machine.handle(.requested(worker ?? self.worker, request, isStaged: isStaged), at: now)
    }

    /// What the worker was told of a request, without what is logged.
    private func told(_ actions: [HelperAction]) -> [WorkerCommand] {
        actions.compactMap { if case .tell(_, let command) = $0 { command } else { nil } }
    }

    /// A machine with one helper that runs.
    private func running() -> (HelperMachine, HelperID) {
        var machine = HelperMachine()
        let id = HelperID(number: 1)
        #expect(ask(&machine, request(1)) == [.start(id, worker, request(1))])
        #expect(machine.handle(.executed(id), at: 2) == [.handOver(id)])
        return (machine, id)
    }

    @Test func helperIsStartedHandedOverAndItsEndIsTold() {
        var (machine, id) = running()
        let actions = machine.handle(.exited(id, .exited(3)), at: 3)
        #expect(told(actions) == [.helperEnded(component: "App", number: 1, .exited(3))])
        #expect(machine.helpers.isEmpty && machine.nextDeadline == nil)
    }

    @Test func theSignalThatEndedItIsTold() {
        var (machine, id) = running()
        #expect(
            told(machine.handle(.exited(id, .signalled(11)), at: 3))
                == [.helperEnded(component: "App", number: 1, .signalled(11))])
    }

    @Test func oneThatCannotBecomeItsProgramFailsOnceWithItsReason() {
        var machine = HelperMachine()
        _ = ask(&machine, request(1))
        let id = HelperID(number: 1)
        #expect(told(machine.handle(.failed(id, reason: "no Landlock"), at: 2)).isEmpty)
        #expect(
            told(machine.handle(.exited(id, .exited(1)), at: 3))
                == [.helperFailed(component: "App", number: 1, reason: "no Landlock")])
        #expect(machine.helpers.isEmpty)
    }

    @Test func oneThatCannotBeSpawnedFailsAtOnce() {
        var machine = HelperMachine()
        _ = ask(&machine, request(1))
        #expect(
            told(machine.handle(.spawnFailed(HelperID(number: 1), reason: "fork"), at: 2))
                == [.helperFailed(component: "App", number: 1, reason: "fork")])
    }

    @Test func oneThatDiesBeforeItIsSealedFailsWithHowItDied() {
        var machine = HelperMachine()
        _ = ask(&machine, request(1))
        #expect(
            told(machine.handle(.exited(HelperID(number: 1), .signalled(9)), at: 2))
                == [.helperFailed(component: "App", number: 1, reason: "it was ended by SIGKILL")])
    }

    @Test func oneThatIsNotSealedInTimeIsKilled() {
        var machine = HelperMachine()
        _ = ask(&machine, request(1), at: 100)
        #expect(machine.nextDeadline == Instant(100).after(HelperMachine.startTimeout))
        let id = HelperID(number: 1)
        let actions = machine.handle(.tick, at: Instant(100).after(HelperMachine.startTimeout))
        #expect(actions == [.signal(id, Signal.kill)])
        #expect(
            told(machine.handle(.exited(id, .signalled(9)), at: .seconds(11)))
                == [.helperFailed(component: "App", number: 1, reason: "it was not sealed within 10 s")])
    }

    @Test func endTerminatesAndKillsAfterItsGrace() {
        var (machine, id) = running()
        let end = HelperEvent.endRequested(worker, component: "App", number: 1, grace: 500)
        #expect(machine.handle(end, at: 1000) == [.signal(id, Signal.terminate)])
        #expect(machine.nextDeadline == 1500)
        // A second one may only hurry.
        let later = HelperEvent.endRequested(worker, component: "App", number: 1, grace: 9000)
        #expect(machine.handle(later, at: 1100).isEmpty)
        #expect(machine.nextDeadline == 1500)
        let sooner = HelperEvent.endRequested(worker, component: "App", number: 1, grace: 100)
        #expect(machine.handle(sooner, at: 1200).isEmpty)
        #expect(machine.nextDeadline == 1300)
        #expect(machine.handle(.tick, at: 1300) == [.signal(id, Signal.kill)])
        #expect(machine.handle(sooner, at: 1400).isEmpty)
    }

    @Test func endWithoutGraceKills() {
        var (machine, id) = running()
        let end = HelperEvent.endRequested(worker, component: "App", number: 1, grace: 0)
        #expect(machine.handle(end, at: 10) == [.signal(id, Signal.kill)])
    }

    @Test func endOfAnothersHelperIsIgnored() {
        var (machine, _) = running()
        let stranger = WorkerID(number: 8)
        #expect(machine.handle(.endRequested(stranger, component: "App", number: 1, grace: 0), at: 3).isEmpty)
        #expect(machine.handle(.endRequested(worker, component: "Other", number: 1, grace: 0), at: 3).isEmpty)
        #expect(machine.handle(.endRequested(worker, component: "App", number: 2, grace: 0), at: 3).isEmpty)
    }

    @Test func graceWithoutEndNeverWraps() {
        var (machine, id) = running()
        let end = HelperEvent.endRequested(worker, component: "App", number: 1, grace: .max)
        #expect(machine.handle(end, at: 10) == [.signal(id, Signal.terminate)])
        #expect(machine.nextDeadline == .max)
    }

    @Test func oneThatSIGKILLDoesNotEndIsRemarkedOnOnce() {
        var (machine, _) = running()
        _ = machine.handle(.endRequested(worker, component: "App", number: 1, grace: 0), at: 10)
        let deadline = Instant(10).after(HelperMachine.killTimeout)
        let actions = machine.handle(.tick, at: deadline)
        guard case .log(.error, worker, "App", "plain", _)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(machine.handle(.tick, at: deadline + 1).isEmpty && machine.nextDeadline == nil)
    }

    @Test func stoppingWorkerEndsItsHelpersAndGetsNoMore() {
        var (machine, id) = running()
        #expect(machine.handle(.workerStops(worker), at: 10) == [.signal(id, Signal.terminate)])
        #expect(
            told(ask(&machine, request(2), at: 11))
                == [.helperFailed(component: "App", number: 2, reason: "the component is ending")])
        // Those of others are let be.
        let other = WorkerID(number: 8)
        #expect(ask(&machine, request(1), at: 12, of: other) == [.start(HelperID(number: 2), other, request(1))])
    }

    @Test func endOfAWorkerKillsItsHelpersAndNobodyIsTold() {
        var (machine, id) = running()
        _ = ask(&machine, request(2))
        #expect(
            machine.handle(.workerEnded(worker), at: 10)
                == [.signal(id, Signal.kill), .signal(HelperID(number: 2), Signal.kill)])
        // One of them had just become its program.
        #expect(machine.handle(.executed(HelperID(number: 2)), at: 11).isEmpty)
        #expect(told(machine.handle(.exited(id, .signalled(9)), at: 11)).isEmpty)
        #expect(told(machine.handle(.exited(HelperID(number: 2), .signalled(9)), at: 11)).isEmpty)
        #expect(machine.helpers.isEmpty)
    }

    @Test func sixteenOfAComponentAndNoMoreRunAtATime() {
        var machine = HelperMachine()
        for number in 1...UInt64(HelperLimits.count) { _ = ask(&machine, request(number)) }
        guard case .helperFailed("App", 17, let reason)? = told(ask(&machine, request(17))).first else {
            Issue.record("the 17th was started")
            return
        }
        #expect(reason.contains("16 helpers"))
        // Another component of the same worker has its own sixteen.
        #expect(told(ask(&machine, request(1, component: "Other"))).isEmpty)
        _ = machine.handle(.exited(HelperID(number: 1), .exited(0)), at: 2)
        #expect(told(ask(&machine, request(18))).isEmpty)
    }

    @Test func startsComeInNoFasterThanTheirPace() {
        var machine = HelperMachine()
        var number: UInt64 = 0
        func startAndEnd(at now: Instant) -> [WorkerCommand] {
            number += 1
            let answer = told(ask(&machine, request(number), at: now))
            if let id = machine.helpers.keys.first { _ = machine.handle(.exited(id, .exited(0)), at: now) }
            return answer
        }
        for _ in 0..<HelperMachine.paceLimit { #expect(startAndEnd(at: 5).isEmpty) }
        #expect(startAndEnd(at: 6).count == 1)
        #expect(startAndEnd(at: Instant(5).after(HelperMachine.pacePeriod)).isEmpty)
    }

    @Test(arguments: [
        ["a\0b"], [String](repeating: "a", count: HelperLimits.arguments + 1),
        [String(repeating: "a", count: HelperLimits.argumentBytes)],
    ])
    func argumentsThatNoWorkerSendsAreRefused(arguments: [String]) {
        var machine = HelperMachine()
        let answer = told(ask(&machine, request(1, arguments: arguments)))
        guard case .helperFailed("App", 1, _)? = answer.first else {
            Issue.record("it was started")
            return
        }
        #expect(machine.helpers.isEmpty)
    }

    @Test func helperThatIsNotStagedIsRefused() {
        var machine = HelperMachine()
        let answer = told(ask(&machine, request(1, "nobody"), isStaged: false))
        #expect(
            answer == [
                .helperFailed(component: "App", number: 1, reason: "the manifest of App declares no such helper")
            ])
    }

    @Test func numberUsedTwiceIsNoWorkersWord() {
        var (machine, _) = running()
        for number: UInt64 in [0, 1] {
            guard case .distrust(worker, _)? = ask(&machine, request(number)).first else {
                Issue.record("the number \(number) was taken")
                return
            }
        }
        #expect(machine.helpers.count == 1)
    }

    @Test func checkStartsNone() {
        var machine = HelperMachine(isCheck: true)
        #expect(
            told(ask(&machine, request(1)))
                == [.helperFailed(component: "App", number: 1, reason: "'muster check' starts no helpers")])
    }

    /// Whatever happens in whatever order, each request is answered once with failed, or once with a hand-over and then
    /// once with an end.
    @Test(arguments: 0..<20) func everyRequestHasOneFate(seed: UInt64) {
        var dice = Dice(state: seed &* 2_654_435_761 &+ 1)
        var machine = HelperMachine()
        var fates: [UInt64: [String]] = [:]
        var alive: Set<HelperID> = []
        var numbers: [HelperID: UInt64] = [:]
        var now: Instant = 0
        var last: UInt64 = 0
        func feed(_ event: HelperEvent) {
            now += UInt64.random(in: 0...HelperMachine.startTimeout / 4, using: &dice)
            for action in machine.handle(event, at: now) {
                switch action {
                case .start(let id, _, let request):
                    alive.insert(id)
                    numbers[id] = request.number
                case .handOver(let id): fates[numbers[id] ?? 0, default: []].append("started")
                case .tell(_, .helperFailed(_, let number, _)): fates[number, default: []].append("failed")
                case .tell(_, .helperEnded(_, let number, _)): fates[number, default: []].append("ended")
                case .signal(let id, _): #expect(alive.contains(id))
                default: break
                }
            }
        }
        for _ in 0..<400 {
            let id = alive.sorted().randomElement(using: &dice)
            switch (Int.random(in: 0..<8, using: &dice), id) {
            case (0...1, _):
                last += 1
                feed(.requested(worker, request(last), isStaged: Bool.random(using: &dice)))
            case (2, let id?): feed(.executed(id))
            case (3, let id?): feed(.failed(id, reason: "x"))
            case (4, let id?):
                alive.remove(id)
                feed(.exited(id, .exited(0)))
            case (5, _):
                let grace = UInt64.random(in: 0...2, using: &dice) * .seconds(1)
                feed(
                    .endRequested(
                        worker, component: "App", number: .random(in: 1...max(last, 1), using: &dice), grace: grace))
            default: feed(.tick)
            }
        }
        for id in alive.sorted() { feed(.exited(id, .signalled(9))) }
        #expect(machine.helpers.isEmpty)
        for number in 1...max(last, 1) where last > 0 {
            #expect(
                [["failed"], ["started", "ended"]].contains(fates[number] ?? []), "\(number): \(fates[number] ?? [])")
        }
    }

    private struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}

import Fleet
import Testing
import UpdateTrust

@testable import CommAgent

@Suite struct PureTests {
    // MARK: Distributors

    private let now = ContinuousClock.now
    private let urls = ["http://a", "http://b", "http://c", "http://d"]

    @Test func eachWorkstationHasAnOrderOfItsOwnThatStays() {
        var firsts: [String: Int] = [:]
        for seed in 0..<400 as Range<UInt64> {
            let choice = DistributorChoice(distributors: urls, companyServer: "http://company", seed: seed)
            let again = DistributorChoice(
                distributors: urls.reversed(), companyServer: "http://company/", seed: seed)
            let turns = choice.turns(at: now)
            #expect(turns == again.turns(at: now))
            #expect(turns.last == "http://company" && Set(turns) == Set(urls + ["http://company"]))
            firsts[turns[0], default: 0] += 1
        }
        // A quarter each, more or less.
        #expect(firsts.count == 4 && firsts.values.allSatisfy { (60...140).contains($0) }, "\(firsts)")
    }

    @Test func oneThatFailsIsLeftLongerEachTimeAndComesBack() {
        var choice = DistributorChoice(distributors: urls, companyServer: nil, seed: 7)
        let first = choice.turns(at: now)[0]
        choice.failed(first, at: now)
        #expect(choice.turns(at: now).last == first)
        #expect(choice.turns(at: now + .seconds(29)).last == first)
        #expect(choice.turns(at: now + .seconds(31))[0] == first)
        choice.failed(first, at: now)
        #expect(choice.turns(at: now + .seconds(59)).last == first)
        #expect(choice.turns(at: now + .seconds(61))[0] == first)
        for _ in 0..<100 { choice.failed(first, at: now) }
        #expect(choice.turns(at: now + .seconds(3601))[0] == first)
        choice.succeeded(first)
        #expect(choice.turns(at: now)[0] == first)
        // What it asks for itself counts, within reason.
        choice.failed(first, at: now, retryAfter: .seconds(600))
        #expect(choice.turns(at: now + .seconds(599)).last == first)
        choice.failed(first, at: now, retryAfter: .seconds(86_400))
        #expect(choice.turns(at: now + .seconds(3601))[0] == first)
    }

    @Test func whereAllAreLeftTheFirstToComeBackIsAskedFirst() {
        var choice = DistributorChoice(distributors: ["http://a", "http://b"], companyServer: nil, seed: 1)
        choice.failed("http://a", at: now)
        choice.failed("http://a", at: now)
        choice.failed("http://b", at: now)
        #expect(choice.turns(at: now) == ["http://b", "http://a"])
        #expect(DistributorChoice(distributors: [], companyServer: nil, seed: 1).isEmpty)
    }

    // MARK: The plan

    private func file(_ path: String, _ digit: Character, _ length: UInt64 = 1000, delta: (Character, Character)? = nil)
        -> TargetFile
    {
        var custom: JSONObject?
        if let delta {
            custom = [
                "delta": [
                    "from": .string(String(repeating: delta.0, count: 64)),
                    "to": .string(String(repeating: delta.1, count: 64)),
                ]
            ]
        }
        return TargetFile(
            path: path, length: length, hashes: FileHashes(sha256: String(repeating: digit, count: 64)), custom: custom)
    }

    private func way(_ deltas: [TargetFile], local: [Character: String] = ["a": "/old"]) throws -> UpdatePlan.Step.Way?
    {
        let offer = try UpdateOffer(
            snapshot: 1, consistentSnapshot: true, targets: [file("definitions/main.hsb", "c")] + deltas)
        let there = Dictionary(uniqueKeysWithValues: local.map { (String(repeating: $0.key, count: 64), $0.value) })
        return UpdatePlan(offer, local: ["main.hsb": there]).steps.first?.way
    }

    @Test func smallestDeltaFromWhatIsThereIsTaken() throws {
        let path = "deltas/definitions/main.hsb/"
        let large = file(path + "1", "1", 900, delta: ("a", "c"))
        let small = file(path + "2", "2", 100, delta: ("a", "c"))
        #expect(try way([large, small]) == .delta(small, from: "/old"))
        #expect(try way([large]) == .delta(large, from: "/old"))
        #expect(try way([]) == .full)
        #expect(try way([small], local: [:]) == .full)
        #expect(try way([small], local: ["c": "/same"]) == .keep("/same"))
    }

    @Test func deltaThatIsNoGainOrOfAnotherFileIsNot() throws {
        let path = "deltas/definitions/main.hsb/"
        #expect(try way([file(path + "1", "1", 1000, delta: ("a", "c"))]) == .full)
        #expect(try way([file(path + "1", "1", 10, delta: ("b", "c"))]) == .full)
        #expect(try way([file(path + "1", "1", 10, delta: ("a", "d"))]) == .full)
        #expect(try way([file(path + "1", "1", 10)]) == .full)
        #expect(try way([file("deltas/definitions/other.hsb/1", "1", 10, delta: ("a", "c"))]) == .full)
    }

    // MARK: Activation

    @Test func whatToDoFollowsFromWhatIsKnown() {
        func decide(
            _ offered: String, empty: Bool = false, current: String? = "a", back: String? = nil, bad: String? = nil
        )
            -> Activation.Decision
        {
            Activation.decision(
                offered: offered, isEmpty: empty, current: current, rolledBack: back.map { ($0, "7") },
                rejected: bad.map { AgentRecord.Rejected(version: "8", identity: $0, reason: "It is bad.", at: .now()) }
            )
        }
        #expect(decide("a") == .current && decide("b") == .activate && decide("b", current: nil) == .activate)
        #expect(decide("b", empty: true) == Activation.Decision.none)
        #expect(decide("b", back: "c", bad: "d") == .activate)
        if case .leave(let reason) = decide("b", back: "b") { #expect(reason.contains("7 were gone back from")) }
        #expect(decide("b", bad: "b") == .leave("Definitions 8 were rejected: It is bad."))
        // One that is in use is in use, whatever was said of it.
        #expect(decide("a", back: "a") == .current)
    }

    @Test func whatFollowsATest() {
        let passed = Activation.Verdict.passed(DefinitionsTestResult(version: "2", signatures: 1))
        #expect(Activation.step(after: passed, version: "2", losses: 0) == .switchOver)
        #expect(
            Activation.step(after: passed, version: "3", losses: 0)
                == .reject("The engine loaded version 2 instead of 3."))
        #expect(Activation.step(after: passed, version: "3", isNamed: false, losses: 0) == .switchOver)
        #expect(Activation.step(after: .failed("Bad."), version: "2", losses: 0) == .reject("Bad."))
        for losses in 0...3 {
            let step = Activation.step(after: .lost("gone"), version: "2", losses: losses)
            if case .reject = step { #expect(losses >= 2) } else { #expect(losses < 2) }
        }
        if case .wait = Activation.step(after: .absent("nobody"), version: "2", losses: 100) {
        } else {
            Issue.record("an absent engine is nobody's fault")
        }
    }

    // MARK: Words and names

    @Test func peopleReadSizesAndNumbers() {
        let set = DefinitionsSet(version: "20261128.1", identity: "x", snapshot: 4, files: [:])
        #expect(
            AgentWords.activated(set, signatures: 40_000, .init(delta: 108_000, full: 0, instead: 4_140_000))
                == "Definitions 20261128.1 are active: 40,000 signatures, by a delta of 108 KB instead of 4.1 MB.")
        #expect(
            AgentWords.activated(set, signatures: 1, .init(full: 999))
                == "Definitions 20261128.1 are active: 1 signatures, 999 bytes fetched.")
        #expect(AgentWords.grouped(1_234_567) == "1,234,567" && AgentWords.grouped(12) == "12")
    }

    @Test func nameOfASetIsAlwaysOneSafeFolder() {
        for version in ["../../x", "a/b", ".", "", String(repeating: "x", count: 500), "1\n2", "é"] {
            let name = DefinitionsSet(version: version, identity: "x", snapshot: 1, files: [:]).name
            #expect(!name.contains("/") && !name.hasPrefix(".") && !name.isEmpty && name.utf8.count < 100, "\(name)")
        }
    }
}

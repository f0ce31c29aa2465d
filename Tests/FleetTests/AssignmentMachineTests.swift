import Testing

@testable import Fleet

@Suite("The life of an assignment")
struct AssignmentMachineTests {
    private static let then = Timestamp(seconds: 1000)
    private static let now = Timestamp(seconds: 2000)
    private static let lease = Duration.seconds(90)

    /// Every event, by the name it has in the table.
    private static let events: [(String, AssignmentEvent)] = [
        ("offer", .offer),
        ("accepted", .report(.accepted, attempt: 3, sequence: 8)),
        ("running", .report(.running, attempt: 3, sequence: 8)),
        ("old report", .report(.accepted, attempt: 3, sequence: 6)),
        ("held", .held),
        ("lost", .lost),
        ("success", .finish(.succeeded, reason: "")),
        ("failure", .finish(.failed, reason: "no disk")),
        ("cancelled", .finish(.cancelled, reason: "as asked")),
        ("cancel", .cancel(reason: "by anna")),
        ("lease end", .leaseExpired),
        ("deadline", .deadline),
        ("removed", .removed(reason: "revoked")),
    ]

    private static let starts: [(String, AssignmentStanding)] =
        AssignmentState.allCases.map { ($0.rawValue, standing($0)) }
        + [.offered, .accepted, .running].map { ("\($0) asked to end", standing($0, isCancelRequested: true)) }

    private static func standing(_ state: AssignmentState, isCancelRequested: Bool = false) -> AssignmentStanding {
        AssignmentStanding(
            state: state, attempt: 3, sequence: 7, leaseUntil: state.isLeased ? then + .seconds(1) : nil,
            isCancelRequested: isCancelRequested, since: then)
    }

    /// The whole table: what becomes of each state under each event, the effect behind it where there is one.
    @Test func everyStateUnderEveryEventIsInTheTable() throws {
        let expected = """
            queued: offer → offered moved; accepted → accepted moved; running → running moved; old report → accepted moved; \
            held → accepted moved; lost → queued; success → succeeded moved; failure → failed moved; \
            cancelled → cancelled moved; cancel → cancelled moved; lease end → queued; deadline → expired moved; removed → failed moved
            offered: offer → offered; accepted → accepted moved; running → running moved; old report → offered; held → offered; \
            lost → queued moved; success → succeeded moved; failure → failed moved; cancelled → cancelled moved; \
            cancel → offered cancelAsked; lease end → queued moved; deadline → expired moved; removed → failed moved
            accepted: offer → offered moved; accepted → accepted; running → running moved; old report → accepted; held → accepted; \
            lost → queued moved; success → succeeded moved; failure → failed moved; cancelled → cancelled moved; \
            cancel → accepted cancelAsked; lease end → queued moved; deadline → expired moved; removed → failed moved
            running: offer → offered moved; accepted → accepted moved; running → running; old report → running; held → running; \
            lost → queued moved; success → succeeded moved; failure → failed moved; cancelled → cancelled moved; \
            cancel → running cancelAsked; lease end → queued moved; deadline → expired moved; removed → failed moved
            succeeded: offer → succeeded; accepted → succeeded; running → succeeded; old report → succeeded; held → succeeded; \
            lost → succeeded; success → succeeded; failure → succeeded late; cancelled → succeeded late; cancel → succeeded; \
            lease end → succeeded; deadline → succeeded; removed → succeeded
            failed: offer → failed; accepted → failed; running → failed; old report → failed; held → failed; lost → failed; \
            success → failed late; failure → failed; cancelled → failed late; cancel → failed; lease end → failed; \
            deadline → failed; removed → failed
            cancelled: offer → cancelled; accepted → cancelled; running → cancelled; old report → cancelled; held → cancelled; \
            lost → cancelled; success → cancelled late; failure → cancelled late; cancelled → cancelled; cancel → cancelled; \
            lease end → cancelled; deadline → cancelled; removed → cancelled
            expired: offer → expired; accepted → expired; running → expired; old report → expired; held → expired; lost → expired; \
            success → expired late; failure → expired late; cancelled → expired late; cancel → expired; lease end → expired; \
            deadline → expired; removed → expired
            offered asked to end: offer → offered; accepted → accepted moved; running → running moved; old report → offered; \
            held → offered; lost → cancelled moved; success → succeeded moved; failure → failed moved; \
            cancelled → cancelled moved; cancel → offered; lease end → cancelled moved; deadline → expired moved; removed → failed moved
            accepted asked to end: offer → offered moved; accepted → accepted; running → running moved; old report → accepted; \
            held → accepted; lost → cancelled moved; success → succeeded moved; failure → failed moved; \
            cancelled → cancelled moved; cancel → accepted; lease end → cancelled moved; deadline → expired moved; removed → failed moved
            running asked to end: offer → offered moved; accepted → accepted moved; running → running; old report → running; \
            held → running; lost → cancelled moved; success → succeeded moved; failure → failed moved; \
            cancelled → cancelled moved; cancel → running; lease end → cancelled moved; deadline → expired moved; removed → failed moved
            """
        let actual = Self.starts.map { name, start in
            let steps = Self.events.map { event, value in
                let (next, effect) = AssignmentMachine.step(start, value, at: Self.now, lease: Self.lease)
                return "\(event) → \(next.state)\(effect == .none ? "" : " \(effect)")"
            }
            return "\(name): \(steps.joined(separator: "; "))"
        }
        for (line, wanted) in zip(actual, expected.split(separator: "\n").map(String.init)) { #expect(line == wanted) }
        #expect(actual.count == expected.split(separator: "\n").count)
    }

    @Test func whatHoldsOfEveryStep() {
        for (_, start) in Self.starts {
            for (_, event) in Self.events {
                let (next, effect) = AssignmentMachine.step(start, event, at: Self.now, lease: Self.lease)
                #expect(next.state.isLeased == (next.leaseUntil != nil), "a lease belongs to a leased state")
                #expect(!start.state.isTerminal || next == start, "an end is never left")
                #expect((effect == .moved) == (next.state != start.state))
                #expect(next.since == (next.state == start.state ? Self.then : Self.now))
                #expect(next.attempt == start.attempt + (event == .offer && !start.state.isTerminal ? 1 : 0))
                #expect(next.state != .succeeded || next.reason.isEmpty)
            }
        }
    }

    @Test func aWordOfTheClientExtendsItsLease() {
        for event in [
            AssignmentEvent.held, .report(.running, attempt: 3, sequence: 8),
            .report(.running, attempt: 1, sequence: 1),
        ] {
            let (next, _) = AssignmentMachine.step(Self.standing(.running), event, at: Self.now, lease: Self.lease)
            #expect(next.leaseUntil == Self.now + Self.lease)
        }
    }

    /// A client may say any number; the next offer counts on from the server's own.
    @Test(arguments: [Int.max, .max - 1, 4, 0, -1, .min])
    func aReportOfAnAttemptThatNeverWasChangesNoCount(_ number: Int) {
        var standing = Self.standing(.running)
        for event in [AssignmentEvent.report(.running, attempt: number, sequence: number), .lost, .offer] {
            standing = AssignmentMachine.step(standing, event, at: Self.now, lease: Self.lease).standing
        }
        #expect(standing.attempt == 4 && standing.sequence == 0)
    }

    @Test func anOfferThatIsRepeatedKeepsTheWishToEnd() {
        let (next, _) = AssignmentMachine.step(
            Self.standing(.running, isCancelRequested: true), .offer, at: Self.now, lease: Self.lease)
        #expect(next.isCancelRequested)
    }

    @Test func whateverHappensTheDeadlineEndsIt() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var standing = AssignmentStanding(since: Self.then)
            for step in 0..<Int.random(in: 0...30, using: &generator) {
                guard let event = Self.events.randomElement(using: &generator)?.1 else { continue }
                let time = Self.now + .seconds(step)
                let (next, _) = AssignmentMachine.step(standing, event, at: time, lease: Self.lease)
                if standing.state.isTerminal { #expect(next.state == standing.state) }
                standing = next
            }
            standing = AssignmentMachine.step(standing, .deadline, at: Self.now, lease: Self.lease).standing
            #expect(standing.state.isTerminal)
        }
    }
}

import ControlProtocol
import Testing

@testable import Supervisor

@Suite("Keys of session tickets")
struct TicketKeysTests {
    private let start = Instant(1_000_000_000)

    @Test func aDueKeyIsReplacedThoughNobodyAsksForIt() throws {
        var keys = TicketKeys()
        let first = keys.keys(of: "Server/https", at: start)
        let due = try #require(keys.nextRotation)
        let wasDue = keys.rotateDue(at: due)
        #expect(wasDue)
        let next = try #require(keys.nextRotation)
        #expect(next > due, "else the host would wake for it again and again")
        let second = keys.keys(of: "Server/https", at: due)
        #expect(second.count == 2 && second[1] == first[0], "the key before decrypts for one more period")
        let isStillDue = keys.rotateDue(at: due)
        #expect(!isStillDue)
    }

    @Test func aKeyIsForgottenAfterItsSecondPeriod() throws {
        var keys = TicketKeys()
        let first = keys.keys(of: "Server/https", at: start)
        for _ in 0..<2 { _ = keys.rotateDue(at: try #require(keys.nextRotation)) }
        let now = keys.keys(of: "Server/https", at: start)
        #expect(now.count == 2 && !now.contains(first[0]))
    }

    @Test func aListenerThatIsNoMoreIsNotDue() {
        var keys = TicketKeys()
        _ = keys.keys(of: "Server/https", at: start)
        keys.retain([])
        #expect(keys.nextRotation == nil)
    }
}

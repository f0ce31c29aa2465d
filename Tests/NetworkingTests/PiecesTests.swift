import NIOPosix
import Testing

@testable import Networking

@Suite struct PiecesTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_709_164_799, "Wed, 28 Feb 2024 23:59:59 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
    ])
    func dateIsAnIMFFixdate(_ time: Int, _ text: String) {
        let date = HTTPDate()
        date.write(time)
        #expect(date.written == text)
    }

    @Test func exchangeNumbersTakeApartAsTheyWerePut() {
        let exchange = ExchangeID(loop: 255, generation: ExchangeID.maximumGeneration, slot: (1 << 20) - 1)
        #expect(exchange.rawValue == .max)
        #expect(exchange.loop == 255)
        #expect(exchange.generation == ExchangeID.maximumGeneration)
        #expect(exchange.slot == (1 << 20) - 1)
        #expect(ExchangeID(loop: 0, generation: 1, slot: 0).rawValue != 0)
    }

    @Test func fieldHasTheLayoutOfTheHeaderInC() { #expect(HTTPField.matchesHeaderLayout) }

    @Test func tickIntervalFollowsTheShortestLimit() {
        #expect(HTTPLimits().tickInterval == 500_000_000)
        #expect(HTTPLimits(stallTimeout: 100_000_000).tickInterval == 25_000_000)
        #expect(HTTPLimits(idleTimeout: 1).tickInterval == 10_000_000)
    }

    @Test func pulseTicksAndSeesALoopThatIsLate() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        defer { try? group.syncShutdownGracefully() }
        let pulse = LoopPulse(group: group)
        let start = pulse.oldestTick
        #expect(eventually { pulse.oldestTick > start })
        _ = pulse.takeMaximumLag()
        // One loop is kept from turning until it has been noticed.
        let loop = group.next()
        let noticed = loop.submit { eventually { pulse.takeMaximumLag() > 500_000_000 } }
        #expect(try noticed.wait())
    }
}

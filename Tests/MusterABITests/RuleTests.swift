import Glibc
import Testing

/// `scripts/check-abi` finds what breaks the rules of the ABI: each header in `Broken` has one fault, and says in its
/// first line what the check must answer.
@Suite struct RuleTests {
    @Test func theHeadersKeepTheRules() throws {
        let check = try Check.run(["scripts/check-abi"])
        #expect(check.status == 0, "\(check.output)")
    }

    @Test func everyFaultHasAHeader() throws {
        #expect(try Check.brokenHeaders().count >= 15)
    }

    @Test(arguments: try Check.brokenHeaders())
    func aBrokenHeaderIsRefusedWithItsPlaceAndReason(path: String) throws {
        let expected = try #require(try Check.expectation(ofHeaderAt: path))
        let check = try Check.run(["scripts/check-abi", path])
        #expect(check.status == 1)
        #expect(check.output.contains(expected), "\(check.output)")
        #expect(check.output.hasPrefix("\(path):"), "\(check.output)")
    }

    @Test func aHeaderThatDoesNotExistIsAnError() throws {
        #expect(try Check.run(["scripts/check-abi", "no-such-header.h"]).status == 1)
    }
}

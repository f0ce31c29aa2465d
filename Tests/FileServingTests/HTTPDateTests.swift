import Glibc
import Testing

@testable import FileServing

@Suite struct HTTPDateTests {
    private let example: Int64 = 784_111_777
    private let now: Int64 = 1_800_000_000  // January 2027

    @Test(
        arguments: [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
            "Sun Nov 06 08:49:37 1994",
        ])
    func allThreeFormatsAreRead(_ text: String) {
        #expect(HTTPDate.seconds(text, now: now) == example)
    }

    @Test func fixdateIsWritten() {
        #expect(HTTPDate.text(example) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate.text(HTTPDate.latest) == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(HTTPDate.text(HTTPDate.latest + 1) == nil)
        #expect(HTTPDate.text(-1) == nil)
    }

    /// Against the C library's calendar.
    @Test func writtenDatesAreThoseOfTheSystemAndReadBack() throws {
        var generator = SystemRandomNumberGenerator()
        let leapDays: [Int64] = [951_782_400, 951_868_799, 951_868_800, 4_107_542_399, 4_107_542_400, 68_169_600]
        let random = (0..<2000).map { _ in Int64.random(in: 0...HTTPDate.latest, using: &generator) }
        for seconds in leapDays + random {
            var time = time_t(seconds)
            var parts = tm()
            gmtime_r(&time, &parts)
            var buffer = [CChar](repeating: 0, count: 64)
            strftime(&buffer, buffer.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            let expected = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let text = try #require(HTTPDate.text(seconds))
            #expect(text == expected)
            #expect(HTTPDate.seconds(text, now: now) == seconds)
        }
    }

    @Test func twoDigitsOfAYearAreWithinFiftyYears() {
        #expect(
            HTTPDate.seconds("Friday, 31-Dec-77 00:00:00 GMT", now: now)
                == HTTPDate.seconds("Fri, 31 Dec 2077 00:00:00 GMT", now: now))
        #expect(
            HTTPDate.seconds("Saturday, 31-Dec-78 00:00:00 GMT", now: now)
                == HTTPDate.seconds("Sat, 31 Dec 1978 00:00:00 GMT", now: now))
    }

    @Test func leapSecondIsRead() {
        #expect(HTTPDate.seconds("Sat, 31 Dec 2016 23:59:60 GMT", now: now) == 1_483_228_800)
    }

    @Test(
        arguments: [
            "", " ", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 29 Feb 1900 00:00:00 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
            "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov +994 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun  06 Nov 1994 08:49:37 GMT",
            " Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sun Nov  16 08:49:37 1994", "Sun Nov 6 08:49:37 1994", "784111777", "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        ])
    func anythingElseIsRefused(_ text: String) {
        #expect(HTTPDate.seconds(text, now: now) == nil)
    }
}

import Testing

@testable import FileServing

@Suite struct ByteRangesTests {
    @Test(
        arguments: [
            ("bytes=0-0", [0..<1]), ("bytes=0-499", [0..<500]), ("bytes=500-999", [500..<1000]),
            ("bytes=-500", [500..<1000]), ("bytes=9500-,-1", [999..<1000]), ("bytes=999-", [999..<1000]),
            ("bytes=0-99999999999999999999999", [0..<1000]), ("bytes=-99999999999999999999999", [0..<1000]),
            ("bytes=0-,", [0..<1000]), ("bytes= 0-1 ,\t2-3 ", [0..<2, 2..<4]), ("BYTES=0-1", [0..<2]),
            ("bytes=,,5-6", [5..<7]), ("bytes=900-2000,0-9", [900..<1000, 0..<10]),
            ("bytes=0-1,1-2,2-3", [0..<2, 1..<3, 2..<4]), ("bytes=00-01", [0..<2]), ("bytes=-1001", [0..<1000]),
        ] as [(String, [Range<UInt64>])])
    func rangesOfAThousandBytes(_ value: String, _ parts: [Range<UInt64>]) {
        #expect(ByteRanges(value, size: 1000) == .parts(parts))
    }

    @Test(arguments: [
        "bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=5000-6000,7000-", "bytes=18446744073709551615-",
    ])
    func rangesBeyondTheEndAreUnsatisfiable(_ value: String) {
        #expect(ByteRanges(value, size: 1000) == .unsatisfiable)
    }

    @Test(
        arguments: [
            "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=2-1", "bytes=0-1,x",
            "bytes=0-1;2-3",
            "bytes=1-2-3", "bytes=+1-2", "bytes=--1", "bytes=0x0-1", "bytes = 0-1", "lines=0-1", "bytes=0 -1",
            "bytes=0-1 2-3",
            "bytes=0- 1", "bytes=0-0,-", "bytes=١-٢", "none",
        ])
    func malformedIsIgnored(_ value: String) {
        #expect(ByteRanges(value, size: 1000) == .ignored)
    }

    @Test func emptyFileHasNoRanges() {
        #expect(ByteRanges("bytes=0-", size: 0) == .unsatisfiable)
        #expect(ByteRanges("bytes=0-0", size: 0) == .unsatisfiable)
        #expect(ByteRanges("bytes=-1", size: 0) == .ignored)
        #expect(ByteRanges("bytes=-0", size: 0) == .unsatisfiable)
    }

    @Test func tooManyRangesAreIgnored() {
        let many = (0..<65).map { "\($0 * 2)-\($0 * 2)" }
        #expect(ByteRanges("bytes=" + many.dropLast().joined(separator: ","), size: 1000) != .ignored)
        #expect(ByteRanges("bytes=" + many.joined(separator: ","), size: 1000) == .ignored)
    }

    @Test func moreThanTwoOverlapsAreIgnored() {
        #expect(ByteRanges("bytes=0-,0-,0-", size: 10) != .ignored)
        #expect(ByteRanges("bytes=0-,0-,0-,0-", size: 10) == .ignored)
    }

    /// Whatever is asked: parts are not empty, lie within the file, and are at most three times as long as it.
    @Test func anyValueGivesOnlyReasonableParts() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789----,,,  \t=b")
        for _ in 0..<20_000 {
            let sizes: [UInt64] = [0, 1, 2, 10, 1000, .max]
            let size = sizes.randomElement(using: &generator) ?? 0
            let length = Int.random(in: 0...40, using: &generator)
            let value = "bytes=" + String((0..<length).compactMap { _ in alphabet.randomElement(using: &generator) })
            guard case .parts(let parts) = ByteRanges(value, size: size) else { continue }
            #expect(!parts.isEmpty && parts.count <= ByteRanges.maximumCount)
            for part in parts { #expect(part.lowerBound < part.upperBound && part.upperBound <= size) }
            let total = parts.reduce(0.0) { $0 + Double($1.upperBound - $1.lowerBound) }
            #expect(total <= 3 * Double(size))
        }
    }

    /// Against a reading of RFC 9110 §14.1.2 that works on sets of positions.
    @Test func singleRangesAgreeWithTheirDefinition() {
        for size in UInt64(1)...6 {
            for first in UInt64(0)...7 {
                for last in first...8 {
                    let wanted = (0..<size).filter { $0 >= first && $0 <= last }
                    #expect(positions(ByteRanges("bytes=\(first)-\(last)", size: size)) == wanted)
                }
                #expect(positions(ByteRanges("bytes=\(first)-", size: size)) == (0..<size).filter { $0 >= first })
                #expect(positions(ByteRanges("bytes=-\(first)", size: size)) == Array((0..<size).suffix(Int(first))))
            }
        }
    }

    private func positions(_ ranges: ByteRanges) -> [UInt64] {
        switch ranges {
        case .parts(let parts): parts.flatMap { Array($0) }
        case .unsatisfiable: []
        case .ignored: [.max]
        }
    }
}

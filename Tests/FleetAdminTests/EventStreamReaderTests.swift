import Testing

@testable import FleetAdmin

@Suite struct EventStreamReaderTests {
    /// Every kind of line and of line end.
    private static let stream =
        "\u{FEFF}event: counts\ndata: {\"a\":1}\n\n: alive\r\n\r\nevent:end\rdata:x\rdata: y\r\rid: 7\r\nretry: 3\r\ndata\r\n\r\n"
        + "event: lost\n\ndata:  two blanks: and a colon\n\nunknown: é\ndata: 配信\n\ndata: not ended"
    private static let events = [
        ServerSentEvent(name: "counts", data: "{\"a\":1}"), ServerSentEvent(name: "end", data: "x\ny"),
        ServerSentEvent(data: ""), ServerSentEvent(data: " two blanks: and a colon"), ServerSentEvent(data: "配信"),
    ]

    @Test func aStreamIsReadAsTheStandardSays() throws {
        var reader = EventStreamReader()
        #expect(try reader.take(Self.stream.utf8) == Self.events)
    }

    @Test func everySplitOfTheBytesGivesTheSameEvents() throws {
        let bytes = Array(Self.stream.utf8)
        for first in bytes.indices {
            for second in first...bytes.count {
                var reader = EventStreamReader()
                var events: [ServerSentEvent] = []
                for piece in [bytes[..<first], bytes[first..<second], bytes[second...]] {
                    events += try reader.take(piece)
                }
                #expect(events == Self.events, "split at \(first) and \(second)")
            }
        }
        var reader = EventStreamReader()
        #expect(try bytes.flatMap { try reader.take([$0]) } == Self.events)
    }

    @Test func anEventIsHandedOnWhenItsEmptyLineCame() throws {
        var reader = EventStreamReader()
        #expect(try reader.take("data: a\r\n".utf8).isEmpty)
        #expect(try reader.take("\r".utf8) == [ServerSentEvent(data: "a")])
        #expect(try reader.take("\n".utf8).isEmpty)
    }

    @Test func bytesThatAreNotUTF8AreReplaced() throws {
        var reader = EventStreamReader()
        #expect(try reader.take(Array("data: ".utf8) + [0xFF, 0x0A, 0x0A]) == [ServerSentEvent(data: "\u{FFFD}")])
    }

    @Test func aLineWithoutEndIsRefused() throws {
        var reader = EventStreamReader()
        _ = try reader.take([UInt8](repeating: 0x61, count: EventStreamReader.limit))
        #expect(throws: EventStreamFailure.self) { try reader.take([0x61]) }
    }

    @Test func anEventWithoutEndIsRefused() throws {
        var reader = EventStreamReader()
        let line = Array("data: \(String(repeating: "a", count: 1000))\n".utf8)
        #expect(throws: EventStreamFailure.self) {
            for _ in 0...EventStreamReader.limit / 1000 { _ = try reader.take(line) }
        }
    }

    @Test func emptyDataLinesAreBoundedAsWell() throws {
        var reader = EventStreamReader()
        let lines = Array(String(repeating: "data\n", count: EventStreamReader.limit + 2).utf8)
        #expect(throws: EventStreamFailure.self) { try reader.take(lines) }
    }
}

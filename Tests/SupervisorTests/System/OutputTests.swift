import ControlProtocol
import Glibc
import Testing

@testable import Supervisor

@Suite struct OutputTests {
    // MARK: Lines

    @Test func linesAreMadeOfWhateverPiecesCome() {
        var splitter = LineSplitter()
        #expect(splitter.feed([UInt8]("on".utf8)).isEmpty)
        #expect(splitter.feed([UInt8]("e\ntwo\r\n\nthr".utf8)) == ["one", "two", ""])
        #expect(splitter.finish() == "thr")
        #expect(splitter.finish() == nil)
    }

    @Test func anEndlessLineIsCutAndItsRestLeftOut() {
        var splitter = LineSplitter()
        var lines: [String] = []
        for _ in 0..<100 { lines += splitter.feed([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16)) }
        lines += splitter.feed([UInt8]("\nnext\n".utf8))
        #expect(lines.count == 2)
        #expect(lines.first?.utf8.count == LineSplitter.limit + 3)
        #expect(lines.last == "next")
    }

    @Test func bytesThatAreNotTextAreReplaced() {
        var splitter = LineSplitter()
        #expect(splitter.feed([0x61, 0xFF, 0x62, 0x0A]) == ["a\u{FFFD}b"])
    }

    // MARK: Format

    private let entry = LogEntry(
        time: WallClock(seconds: 1_700_000_000, nanoseconds: 5_000_000), level: .notice, component: "A", generation: 3,
        message: "it \"runs\"", fields: [.init(key: "port", value: "80"), .init(key: "who", value: "a b")])

    @Test func textIsForPeople() {
        #expect(
            LogFormat.text.line(entry)
                == "2023-11-14T22:13:20.005Z notice   A#3: it \"runs\" port=80 who=\"a b\"\n")
    }

    @Test func jsonIsAnObjectALine() {
        #expect(
            LogFormat.json.line(entry)
                == "{\"time\":\"2023-11-14T22:13:20.005Z\",\"level\":\"notice\",\"component\":\"A\",\"generation\":3,"
                + "\"message\":\"it \\\"runs\\\"\",\"fields\":{\"port\":\"80\",\"who\":\"a b\"}}\n")
    }

    @Test func theJournalGetsPrioritiesAndNoTime() {
        #expect(LogFormat.journal.line(entry) == "<5>A#3: it \"runs\" port=80 who=\"a b\"\n")
    }

    @Test func nothingAComponentSaysForgesALineOrMovesTheCursor() {
        var entry = entry
        entry.fields = []
        entry.message = "a\nb\u{1B}[2Jc\u{7}\u{202E}d"
        #expect(LogFormat.text.line(entry).hasSuffix("a\\nb\\u{1b}[2Jc\\u{7}\\u{202e}d\n"))
        #expect(LogFormat.json.line(entry).contains("a\\nb\\u001b[2Jc\\u0007\\u202ed"))
    }

    @Test func excerptsOfTheSupervisorKeepTheirLines() {
        var entry = entry
        entry.fields = []
        entry.hasLineBreaks = true
        entry.message = "config.yaml:1:1: error: x\n    1 | y"
        #expect(LogFormat.text.line(entry).split(separator: "\n").count == 2)
        #expect(LogFormat.journal.line(entry).split(separator: "\n").allSatisfy { $0.hasPrefix("<5>") })
    }

    // MARK: A stalled reader

    /// A pipe that is read only by the test.
    private func pipe() throws -> (Descriptor, Descriptor) {
        var ends: [CInt] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw SystemError("pipe") }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
    }

    @Test func aReaderThatStallsHoldsNothingUpAndIsToldWhatItMissed() throws {
        let (reader, writer) = try pipe()
        let log = LogWriter(descriptor: writer.rawValue)
        let line = String(repeating: "x", count: 1000)
        for _ in 0..<5000 { log.log(.info, line) }
        #expect(log.pending == writer.rawValue)
        var bytes: [UInt8] = []
        for _ in 0..<100_000 {
            log.flush()
            guard let chunk = try? Files.read(reader, atMost: 1 << 16, "the pipe") else { break }
            bytes += chunk
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        #expect(lines.count > 900 && lines.count < 4000)
        #expect(lines.last.map { String(decoding: $0, as: UTF8.self) }?.contains("log lines were dropped") == true)
        #expect(log.pending == nil)
    }

    @Test func aReaderThatLeavesIsNoError() throws {
        signal(SIGPIPE, SIG_IGN)
        var (reader, writer) = try pipe() as (Descriptor?, Descriptor)
        reader = nil
        let log = LogWriter(descriptor: writer.rawValue)
        for _ in 0..<100 { log.log(.info, "nobody hears this") }
        #expect(log.pending == nil)
        _ = (reader, writer)
        writer = Descriptor(owning: dup(0))
    }

    @Test func levelsBelowTheThresholdAreNotWritten() throws {
        let (reader, writer) = try pipe()
        let log = LogWriter(descriptor: writer.rawValue)
        log.threshold = .warning
        log.log(.info, "quiet")
        log.log(.error, "loud")
        let text = String(decoding: try Files.read(reader, atMost: 4096, "the pipe"), as: UTF8.self)
        #expect(text.contains("loud") && !text.contains("quiet"))
    }
}

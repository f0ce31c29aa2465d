@testable import ControlProtocol
import Testing

@Suite struct FrameDecoderTests {
    private let stream = rawFrame("\"one\"") + rawFrame("") + rawFrame("\"three\"", announcing: 2)

    private func frames(_ decoder: inout FrameDecoder) throws(ChannelError) -> [Frame] {
        var frames: [Frame] = []
        while let frame = try decoder.next() { frames.append(frame) }
        return frames
    }

    private let expected = [
        Frame(payload: Array("\"one\"".utf8), descriptorCount: 0, offset: 0),
        Frame(payload: [], descriptorCount: 0, offset: 17),
        Frame(payload: Array("\"three\"".utf8), descriptorCount: 2, offset: 29),
    ]

    @Test func findsManyFramesInOneRead() throws {
        var decoder = FrameDecoder()
        decoder.feed(stream)
        #expect(try frames(&decoder) == expected)
        #expect(decoder.pendingByteCount == 0)
    }

    @Test func findsTheSameFramesWhereverTheStreamIsCut() throws {
        for cut in 0...stream.count {
            var decoder = FrameDecoder()
            decoder.feed(stream[..<cut])
            var found = try frames(&decoder)
            decoder.feed(stream[cut...])
            found += try frames(&decoder)
            #expect(found == expected, "cut at \(cut)")
        }
    }

    @Test func findsTheSameFramesByteByByte() throws {
        var decoder = FrameDecoder()
        var found: [Frame] = []
        for byte in stream {
            decoder.feed(CollectionOfOne(byte))
            found += try frames(&decoder)
        }
        #expect(found == expected)
    }

    @Test(arguments: [
        [UInt8](repeating: 0, count: 12), Array("GET / HTTP/1".utf8),
        [0x4D, 0x75, 0x73, 2, 0, 0, 0, 0, 0, 0, 0, 0], [0x4D, 0x75, 0x73, 1, 0, 0, 0, 0, 0, 65, 0, 0],
        [0x4D, 0x75, 0x73, 1, 0, 0, 0, 0, 0, 0, 0, 1],
    ])
    func refusesAHeaderThatIsNotTheProtocol(_ bytes: [UInt8]) {
        var decoder = FrameDecoder()
        decoder.feed(bytes)
        #expect(code { () throws(ChannelError) in _ = try decoder.next() } == .malformed)
    }

    @Test func refusesALengthBeyondTheLimitBeforeItsBytesCome() {
        var decoder = FrameDecoder()
        decoder.feed([0x4D, 0x75, 0x73, 1, 1, 0, 0, 1, 0, 0, 0, 0])
        #expect(code { () throws(ChannelError) in _ = try decoder.next() } == .tooLarge)
    }

    @Test func takesAPayloadOfExactlyTheLimit() throws {
        let payload = [UInt8](repeating: 0x20, count: FrameHeader.maximumPayload)
        var decoder = FrameDecoder()
        decoder.feed(try FrameHeader(payloadLength: payload.count, descriptorCount: 0).bytes)
        #expect(try decoder.next() == nil)
        decoder.feed(payload)
        #expect(try decoder.next()?.payload.count == payload.count)
    }

    @Test func repeatsItsErrorAndKeepsNothing() {
        var decoder = FrameDecoder()
        decoder.feed([UInt8](repeating: 7, count: 4096))
        for _ in 0..<3 { #expect(code { () throws(ChannelError) in _ = try decoder.next() } == .malformed) }
        decoder.feed(stream)
        #expect(decoder.pendingByteCount == 0)
        #expect(code { () throws(ChannelError) in _ = try decoder.next() } == .malformed)
    }

    @Test func writesTheHeaderThatItReads() throws {
        for length in [0, 1, 255, 256, 65_536, FrameHeader.maximumPayload] {
            for count in [0, 1, 64] {
                let header = try FrameHeader(payloadLength: length, descriptorCount: count)
                #expect(header.bytes.count == FrameHeader.size)
                #expect(try FrameHeader(reading: header.bytes[...]) == header)
            }
        }
    }
}

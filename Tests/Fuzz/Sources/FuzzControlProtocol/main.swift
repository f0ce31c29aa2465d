// Bytes from a peer on a control socket: whatever they are, framing and decoding answer, in bounded time, and what was
// understood survives being written again.
import CFuzzer
import ControlProtocol
import Glibc

/// Decodes a payload as a message of this type; one that is understood must be understood again, and be the same.
func judge<Message: Codable & Equatable>(_ type: Message.Type, _ frame: Frame) {
    guard let message = try? frame.decode(type) else { return }
    guard let again = try? EncodedFrame(message) else { fatalError("understood and not written again") }
    var decoder = FrameDecoder()
    decoder.feed(again.bytes)
    guard let copy = (try? decoder.next()).flatMap({ $0 }), decoder.pendingByteCount == 0 else {
        fatalError("written and not a frame")
    }
    guard let second = try? copy.decode(type), second == message else { fatalError("written and not the same") }
}

func judge(_ frame: Frame) {
    judge(WorkerReport.self, frame)
    judge(WorkerCommand.self, frame)
    judge(HelperReport.self, frame)
    judge(ControlRequest.self, frame)
    judge(ControlResponse.self, frame)
}

/// The frames of a stream that arrives in pieces of this size, and whether it ended in an error.
func frames(_ bytes: [UInt8], pieces size: Int) -> ([Frame], isBroken: Bool) {
    var decoder = FrameDecoder()
    var frames: [Frame] = []
    var start = 0
    while start < bytes.count {
        let end = min(start + size, bytes.count)
        decoder.feed(bytes[start..<end])
        start = end
        do {
            while let frame = try decoder.next() { frames.append(frame) }
        } catch {
            precondition(decoder.pendingByteCount == 0, "kept bytes after an error")
            return (frames, true)
        }
    }
    precondition(decoder.pendingByteCount <= bytes.count, "kept more than it was given")
    return (frames, false)
}

func judge(_ bytes: [UInt8]) {
    // As a stream: however it is cut, the same frames come of it.
    let whole = frames(bytes, pieces: max(bytes.count, 1))
    let cut = frames(bytes, pieces: 1 + Int(bytes.first ?? 0) % 7)
    precondition(whole.0 == cut.0 && whole.isBroken == cut.isBroken, "the cut matters")
    for frame in whole.0 { judge(frame) }
    // As a payload of its own, so that the messages are reached without guessing a header first.
    judge(Frame(payload: bytes, descriptorCount: 0, offset: 0))
}

/// The name that libFuzzer knows a target by.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    judge(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}

// SwiftPM makes this file the program's main, so it starts libFuzzer, whose own main would have done the same.
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(LLVMFuzzerRunDriver(&count, &arguments, testOneInput))

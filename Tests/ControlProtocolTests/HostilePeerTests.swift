@testable import ControlProtocol
import FoundationEssentials
import Glibc
import Testing

/// What a peer may do that does not keep the protocol: it ends in an error, with every descriptor closed.
@Suite struct HostilePeerTests {
    private let pair: SocketPair
    private let channel: ControlChannel

    init() throws {
        pair = try SocketPair()
        channel = ControlChannel(pair.right)
    }

    private func receivedCode() -> ChannelError.Code? {
        code { () throws(ChannelError) in
            while try channel.receive(WorkerReport.self) != nil {}
        }
    }

    @Test(arguments: [
        "", "{", "nonsense", "[]", "{}", "null", "{\"unknown\":{}}", "{\"ready\":{},\"drained\":{}}",
        "{\"failed\":{\"_0\":{\"stage\":\"nowhere\"}}}", "\"ready\"", "{\"ready\":{}}{\"ready\":{}}",
    ])
    func refusesWhatIsNoMessage(_ payload: String) throws {
        try sendRaw(rawFrame(payload), to: pair.left)
        #expect(receivedCode() == .malformed)
    }

    @Test func refusesInvalidUTF8() throws {
        var frame = rawFrame(
            "{\"log\":{\"_0\":{\"component\":\"??\",\"level\":\"info\",\"message\":\"\",\"fields\":[]}}}")
        let index = try #require(frame.firstIndex(of: UInt8(ascii: "?")))
        frame[index] = 0xC3
        frame[index + 1] = 0x28
        try sendRaw(frame, to: pair.left)
        #expect(receivedCode() == .malformed)
    }

    @Test func refusesDeepNestingWithoutRunningOutOfStack() throws {
        // What a bus or option value might nest; 100,000 levels would be a megabyte of stack at ten bytes each.
        let depth = 50_000
        try sendRaw(
            rawFrame(String(repeating: "[", count: depth) + String(repeating: "]", count: depth)), to: pair.left)
        #expect(receivedCode() == .malformed)
    }

    @Test func refusesDeeplyNestedOptionValues() throws {
        let depth = 10_000
        let nested = String(repeating: "{\"list\":{\"_0\":[", count: depth) + String(repeating: "]}}", count: depth)
        try sendRaw(
            rawFrame("{\"prepare\":{\"_0\":[{\"component\":\"A\",\"listeners\":[],\"options\":{\"o\":\(nested)}}]}}"),
            to: pair.left)
        #expect(code { () throws(ChannelError) in _ = try channel.receive(WorkerCommand.self) } == .malformed)
    }

    @Test func closesDescriptorsThatNoFrameAnnounced() throws {
        var tracer = try Tracer()
        try sendRaw(rawFrame("{\"ready\":{}}"), to: pair.left, descriptors: [tracer.sent])
        tracer.letGo()
        #expect(receivedCode() == .malformed)
        #expect(tracer.isClosedEverywhere)
    }

    @Test func closesDescriptorsBeyondTheNumberAnnounced() throws {
        var tracer = try Tracer()
        try sendRaw(
            rawFrame("{\"ready\":{}}", announcing: 1), to: pair.left, descriptors: [tracer.sent, tracer.sent])
        tracer.letGo()
        #expect(receivedCode() == .malformed)
        #expect(tracer.isClosedEverywhere)
    }

    @Test func refusesAFrameThatAnnouncesDescriptorsAndBringsNone() throws {
        try sendRaw(rawFrame("{\"ready\":{}}", announcing: 1), to: pair.left)
        #expect(receivedCode() == .malformed)
    }

    @Test func refusesDescriptorsInTheMiddleOfAFrame() throws {
        var tracer = try Tracer()
        let frame = rawFrame("{\"ready\":{}}", announcing: 1)
        try sendRaw(Array(frame[..<15]), to: pair.left, descriptors: [tracer.sent])
        #expect(receivedCode() == nil)
        try sendRaw(Array(frame[15..<16]), to: pair.left, descriptors: [tracer.sent])
        tracer.letGo()
        #expect(receivedCode() == .malformed)
        #expect(tracer.isClosedEverywhere)
    }

    @Test func closesAsManyDescriptorsAsTheKernelCarries() throws {
        var tracer = try Tracer()
        let many = [CInt](repeating: tracer.sent, count: 253)
        try sendRaw([0x4D], to: pair.left, descriptors: many)
        tracer.letGo()
        // They may still belong to the frame whose first byte this is; the next byte says that it announces 1.
        #expect(receivedCode() == nil)
        try sendRaw(Array(rawFrame("{\"ready\":{}}", announcing: 1).dropFirst()), to: pair.left)
        #expect(receivedCode() == .malformed)
        #expect(tracer.isClosedEverywhere)
    }

    @Test func closesReceivedDescriptorsWithTheChannel() throws {
        var tracer = try Tracer()
        do {
            let pair = try SocketPair()
            let channel = ControlChannel(pair.right)
            try sendRaw(
                Array(rawFrame("{\"ready\":{}}", announcing: 1).dropLast()), to: pair.left, descriptors: [tracer.sent])
            tracer.letGo()
            #expect(code { () throws(ChannelError) in _ = try channel.receive(WorkerReport.self) } == nil)
            #expect(!tracer.isClosedEverywhere)
        }
        #expect(tracer.isClosedEverywhere)
    }

    @Test func saysThatAFrameWasCutShort() throws {
        try sendRaw(Array(rawFrame("{\"ready\":{}}").dropLast()), to: pair.left)
        shutdown(pair.left.rawValue, CInt(SHUT_WR))
        #expect(throws: ChannelError(.closed, "reading a frame that was cut short")) {
            _ = try channel.receive(WorkerReport.self)
        }
    }

    @Test func keepsNoMoreThanOneFrameOfAPeerThatNeverStops() throws {
        // A header that promises 16 MiB, and bytes without end: the channel reads up to the frame and no further.
        let header: [UInt8] = [0x4D, 0x75, 0x73, 1, 1, 0, 0, 0, 0, 0, 0, 0]
        try sendRaw(header, to: pair.left)
        let chunk = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 16)
        var failure: ChannelError.Code?
        for _ in 0..<300 where failure == nil {
            try sendRaw(chunk, to: pair.left)
            failure = receivedCode()
        }
        #expect(failure == .malformed)
    }
}

@testable import ControlProtocol
import CLinux
import FoundationEssentials
import Glibc
import PluginManifest
import Testing

@Suite struct ControlChannelTests {
    private let pair: SocketPair
    private let sender: ControlChannel
    private let receiver: ControlChannel

    init() throws {
        pair = try SocketPair()
        sender = ControlChannel(pair.left)
        receiver = ControlChannel(pair.right)
    }

    @Test(arguments: [
        WorkerCommand.load(
            WorkerPlan(
                name: "A", generation: 7, plugins: [.init(component: "A", path: "/p", stateDirectory: "/s")],
                privileges: Privileges(userID: 1, groupID: 2, supplementaryGroupIDs: [3], capabilities: ["CAP_KILL"]),
                loopCount: 2, logLevel: .debug, isDebugging: true)),
        .prepare([
            ComponentPlan(
                component: "A", options: ["list": .list([.integer(.min), .number(-0.5), .string("ü\u{0}")])],
                listeners: [
                    ListenerPlan(name: "l", transport: .raw, clientCertificate: .required, maxConnections: 9)
                ])
        ]),
        .listenerGranted(component: "A", listener: "l", addresses: ["[::]:1"], credentials: nil),
        .listenerRefused(component: "A", listener: "l", reason: "taken"),
        .activate(["A": Data([0, 255, 10])]), .quiesce(deadline: .max), .drain(deadline: 0), .stop,
    ])
    func carriesEveryCommand(_ command: WorkerCommand) throws {
        try sender.send(command)
        #expect(try receiver.receive(WorkerCommand.self)?.message == command)
        #expect(try receiver.receive(WorkerCommand.self) == nil)
    }

    @Test func carriesReports() throws {
        let manifest = Manifest(
            id: "a.b", name: "n", version: "1.0.0", summary: "", vendor: "", licence: "", url: "",
            abi: ABIVersion(major: 1, minor: 0), options: [OptionDeclaration(name: "o", type: .enum, help: "h.")])
        let failure = WorkerFailure(component: "A", stage: .prepare, message: "m", option: "o", isConfiguration: true)
        let reports: [WorkerReport] = [
            .loaded([manifest]), .listenerRequest(component: "A", listener: "l"), .ready, .activated,
            .released(["A": Data([1])]), .drained, .failed(failure),
            .pulse(Pulse(listeners: [ListenerActivity(component: "A", listener: "l")], loopLag: 1, droppedLogLines: 2)),
            .log(LogRecord(component: "A", level: .notice, message: "m", fields: [.init(key: "k", value: "v")])),
            .calling(component: "A", .stop), .stalled(.eventLoop),
        ]
        for report in reports { try sender.send(report) }
        for report in reports { #expect(try receiver.receive(WorkerReport.self)?.message == report) }
    }

    @Test func carriesWhatIsLargerThanTheSocketInPieces() throws {
        let state = Data((0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try sender.send(WorkerReport.released(["A": state]))
        #expect(sender.hasPendingOutput)
        var received: WorkerReport?
        for _ in 0..<100_000 where received == nil {
            received = try receiver.receive(WorkerReport.self)?.message
            try sender.flush()
        }
        #expect(received == .released(["A": state]))
        #expect(!sender.hasPendingOutput)
        #expect(sender.pendingByteCount == 0)
    }

    @Test func bringsDescriptorsToTheFrameTheyWereSentWith() throws {
        let tracers = try (0..<3).map { _ in try Tracer() }
        try sender.send(WorkerCommand.stop)
        try sender.send(WorkerCommand.quiesce(deadline: 1), descriptors: [tracers[0].sent])
        try sender.send(WorkerCommand.stop)
        try sender.send(WorkerCommand.quiesce(deadline: 2), descriptors: [tracers[1].sent, tracers[2].sent])
        #expect(try receiver.receive(WorkerCommand.self)?.descriptors.count == 0)
        let first = try #require(try receiver.receive(WorkerCommand.self))
        #expect(first.message == .quiesce(deadline: 1))
        try #require(first.descriptors.count == 1)
        #expect(tracers[0].isWritten(by: first.descriptors[0].rawValue))
        #expect(try receiver.receive(WorkerCommand.self)?.descriptors.count == 0)
        let second = try #require(try receiver.receive(WorkerCommand.self))
        try #require(second.descriptors.count == 2)
        #expect(tracers[1].isWritten(by: second.descriptors[0].rawValue))
        #expect(tracers[2].isWritten(by: second.descriptors[1].rawValue))
        #expect(fcntl(second.descriptors[0].rawValue, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func sendsQueuedDescriptorsThoughTheSenderHasClosedItsOwn() throws {
        try sender.send(WorkerReport.released(["A": Data(repeating: 1, count: 4 << 20)]))
        try #require(sender.hasPendingOutput)
        var tracer = try Tracer()
        try sender.send(WorkerCommand.stop, descriptors: [tracer.sent])
        tracer.letGo()
        var stop: ControlChannel.Received<WorkerCommand>?
        var isFirstWhole = false
        for _ in 0..<100_000 where !isFirstWhole {
            isFirstWhole = try receiver.receive(WorkerReport.self) != nil
            try sender.flush()
        }
        for _ in 0..<100 where stop == nil {
            try sender.flush()
            stop = try receiver.receive(WorkerCommand.self)
        }
        try #require(stop?.descriptors.count == 1)
        #expect(tracer.isWritten(by: try #require(stop?.descriptors.first).rawValue))
        stop = nil
        #expect(tracer.isClosedEverywhere)
    }

    @Test func closesQueuedDescriptorsWithTheChannel() throws {
        var tracer = try Tracer()
        do {
            let pair = try SocketPair()
            let channel = ControlChannel(pair.left)
            try channel.send(WorkerReport.released(["A": Data(repeating: 1, count: 4 << 20)]))
            try channel.send(WorkerCommand.stop, descriptors: [tracer.sent])
            tracer.letGo()
            #expect(!tracer.isClosedEverywhere)
        }
        #expect(tracer.isClosedEverywhere)
    }

    @Test func saysClosedAtTheEndOfTheStreamAndKeepsSayingIt() throws {
        try sender.send(WorkerCommand.stop)
        shutdown(pair.left.rawValue, CInt(SHUT_WR))
        #expect(try receiver.receive(WorkerCommand.self)?.message == .stop)
        for _ in 0..<2 {
            #expect(code { () throws(ChannelError) in _ = try receiver.receive(WorkerCommand.self) } == .closed)
        }
    }

    @Test func saysClosedWhenThePeerIsGone() throws {
        let pair = try SocketPair()
        var peer: Descriptor? = pair.right
        let channel = ControlChannel(pair.left)
        try #require(peer != nil)
        shutdown(pair.right.rawValue, CInt(SHUT_RDWR))
        peer = nil
        #expect(code { () throws(ChannelError) in try channel.send(WorkerCommand.stop) } == .closed)
        #expect(code { () throws(ChannelError) in try channel.flush() } == .closed)
    }

    @Test func refusesToQueueWithoutEndTowardsAPeerThatDoesNotRead() throws {
        let report = WorkerReport.released(["A": Data(repeating: 1, count: 4 << 20)])
        var failure: ChannelError.Code?
        for _ in 0..<100 where failure == nil {
            failure = code { () throws(ChannelError) in try sender.send(report) }
        }
        #expect(failure == .overflow)
        #expect(sender.pendingByteCount <= ControlChannel.maximumPendingBytes)
    }

    @Test func staysUsableAfterAMessageThatIsTooLarge() throws {
        let large = WorkerReport.released(["A": Data(repeating: 1, count: 16 << 20)])
        #expect(code { () throws(ChannelError) in try sender.send(large) } == .tooLarge)
        let many = [CInt](repeating: 0, count: 65)
        #expect(code { () throws(ChannelError) in try sender.send(WorkerCommand.stop, descriptors: many) } == .tooLarge)
        try sender.send(WorkerCommand.stop)
        #expect(try receiver.receive(WorkerCommand.self)?.message == .stop)
    }
}

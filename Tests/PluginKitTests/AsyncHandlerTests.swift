import MusterABI
import PluginKit
import PluginTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct AsyncHandlerTests {
    private let host = FakeHost(PluginEntry.manifest(of: Streamer.self))

    init() throws { try host.start() }

    @Test func bodyIsCollectedAndAnswered() async throws {
        let number = host.send(FakeRequest("/echo", method: "POST", hasBody: true), to: "front")
        host.sendBody([1, 2], number)
        host.sendBody([3], number)
        host.endBody(number)
        try await eventually { host.answer(number).isEnded }
        #expect(host.answer(number).body == [1, 2, 3])
        await host.stopOnControlThread()
        host.destroy()
    }

    @Test func requestWithoutBodyHasAnEmptyOne() async throws {
        let number = host.send(FakeRequest("/echo"), to: "front")
        try await eventually { host.answer(number).isEnded }
        #expect(host.answer(number).status == 200)
        #expect(host.answer(number).body == [])
    }

    @Test func readerThatIsSlowHoldsTheClientBack() async throws {
        let number = host.send(FakeRequest("/slow-echo", method: "POST", hasBody: true), to: "front")
        try await eventually { host.answer(number).status == 200 }
        host.limitRoom(number, to: 0)
        let piece = [UInt8](repeating: 7, count: 40_000)
        var sent = 0
        // The reader waits for room to write the first piece it took; what comes then fills the pipe.
        try await eventually {
            if !host.isBodyPaused(number) {
                host.sendBody(piece, number)
                sent += piece.count
            }
            return host.isBodyPaused(number)
        }
        #expect(host.pauses(number) == 1)
        host.endBody(number)
        host.makeRoom(number, for: .max)
        try await eventually { host.answer(number).isEnded }
        #expect(!host.isBodyPaused(number))
        #expect(host.answer(number).body.count == sent)
    }

    @Test func writeWaitsForRoomAndGoesOn() async throws {
        let number = host.send(FakeRequest("/stream"), to: "front")
        var rounds = 0
        try await eventually {
            rounds += 1
            // Room for a line or so at a time: most writes are busy first.
            host.makeRoom(number, for: 1)
            return host.answer(number).isEnded
        }
        #expect(host.answer(number).text == (0..<10).map { "line \($0)\n" }.joined())
    }

    @Test func abortWakesAWriterThatWaits() async throws {
        var request = FakeRequest("/stream")
        request.room = 0
        let number = host.send(request, to: "front")
        try await eventually { host.answer(number).status == 200 }
        host.abort(number)
        // stop waits for the task, which waits for room: it would say so if it were still there.
        await host.stopOnControlThread()
        #expect(!host.logLines.contains { $0.level >= MUSTER_LOG_ERROR })
    }

    @Test func abortEndsTheBodyAndTheTask() async {
        let number = host.send(FakeRequest("/echo", method: "POST", hasBody: true), to: "front")
        host.sendBody([1], number)
        host.abort(number)
        // stop waits for the task: it would say so if it were still there.
        await host.stopOnControlThread()
        #expect(!host.logLines.contains { $0.level >= MUSTER_LOG_ERROR })
        #expect(host.answer(number).status == 0)
    }

    @Test func stopCancelsWhatIsUnderWay() async {
        let numbers = (0..<20).map { _ in host.send(FakeRequest("/forever"), to: "front") }
        await host.stopOnControlThread()
        #expect(numbers.allSatisfy { host.answer($0).status == 500 })
        #expect(!host.logLines.contains { $0.message.contains("after stop") })
        host.destroy()
    }

    @Test func requestAfterStopIsCancelledFromItsStart() async {
        await host.stopOnControlThread()
        let number = host.send(FakeRequest("/forever"), to: "front")
        await host.stopOnControlThread()
        // The component has ended: nothing is called any more, so there is no answer either.
        #expect(host.answer(number).status == 0)
    }

    @Test(arguments: ["/throw", "/nothing"])
    func failureAndSilenceAnswer500(_ path: String) async throws {
        let number = host.send(FakeRequest(path), to: "front")
        try await eventually { host.answer(number).isEnded }
        #expect(host.answer(number).status == 500)
    }

    @Test func blockingWorkIsAwaited() async throws {
        let number = host.send(FakeRequest("/work"), to: "front")
        try await eventually {
            host.runWork()
            return host.answer(number).isEnded
        }
        #expect(host.answer(number).text == "5050")
    }

    @Test func cancelledWorkThrowsInTheTask() async throws {
        let number = host.send(FakeRequest("/work"), to: "front")
        try await eventually { host.waitingWork == 1 }
        host.cancelWork()
        try await eventually { host.answer(number).isEnded }
        #expect(host.answer(number).status == 500)
    }

    @Test func manyRequestsAtOnceKeepApart() async throws {
        let numbers = (0..<200).map { _ in host.send(FakeRequest("/echo", method: "POST", hasBody: true), to: "front") }
        await withTaskGroup { group in
            for (index, number) in numbers.enumerated() {
                group.addTask {
                    for part in 0..<5 { host.sendBody([UInt8(index % 251), UInt8(part)], number) }
                    host.endBody(number)
                }
            }
        }
        for (index, number) in numbers.enumerated() {
            try await eventually { host.answer(number).isEnded }
            #expect(host.answer(number).body == (0..<5).flatMap { [UInt8(index % 251), $0] })
        }
    }
}

/// Yields until `condition` holds; fails after some seconds.
func eventually(_ condition: () -> Bool) async throws {
    let limit = monotonicNanoseconds() + 20_000_000_000
    while !condition() {
        try #require(monotonicNanoseconds() < limit, "what was waited for did not come")
        await Task.yield()
    }
}

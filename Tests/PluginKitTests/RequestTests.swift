import MusterABI
import PluginKit
import PluginTesting
import Testing

@Suite struct RequestTests {
    private let host = FakeHost(PluginEntry.manifest(of: Sampler.self), settings: ["root": .path("/srv")])

    init() throws { try host.start() }

    @Test func headArrivesWholeAndIsCopied() {
        let answer = host.exchange(
            FakeRequest(
                "/a/b?c=d?e", method: "POST", headers: [("Accept", "a"), ("X", ""), ("accept", "b")], peer: "[::1]:7"),
            with: "front")
        #expect(answer.status == 200)
        #expect(answer["X-Method"] == "post")
        #expect(answer.text == "POST|/a/b?c=d?e|/a/b|localhost|11|Accept=a;X=;accept=b|[::1]:7|a, b|a")
    }

    @Test func targetThatIsNotUTF8IsRepairedOnlyInTheCopy() {
        let answer = host.exchange(FakeRequest(bytes: [0x2F, 0xFF, 0x61]), with: "front")
        #expect(answer.text.hasPrefix("GET|/\u{FFFD}a|"))
    }

    @Test(
        arguments: [
            ("GET", "get"), ("HEAD", "head"), ("PUT", "put"), ("PATCH", "patch"), ("DELETE", "delete"),
            ("OPTIONS", "options"), ("get", "other"), ("GETS", "other"), ("TRACE", "other"), ("", "other"),
        ])
    func methodsAreRecognised(_ name: String, _ method: String) {
        #expect(host.exchange(FakeRequest("/", method: name), with: "front")["X-Method"] == method)
    }

    @Test func handlerThatThrowsAnswers500AndIsLogged() {
        let answer = host.exchange(FakeRequest("/throw"), with: "front")
        #expect(answer.status == 500)
        #expect(host.logLines.contains { $0.level == MUSTER_LOG_ERROR && $0.fields["error"] == "a mistake" })
    }

    @Test func handlerThatThrowsAfterBeginBreaksTheConnection() {
        let answer = host.exchange(FakeRequest("/throw-late"), with: "front")
        #expect(answer.status == 200)
        #expect(answer.isAborted && !answer.isEnded)
    }

    @Test func refusedHeaderFieldAnswers500() {
        let answer = host.exchange(FakeRequest("/bad-header"), with: "front")
        #expect(answer.status == 500)
        #expect(answer.isEnded)
    }

    @Test func requestWithoutAHeadAnswers500() {
        #expect(host.answer(host.sendRaw(nil, to: "front")).status == 500)
    }

    @Test func requestThatIsTooShortAnswers500() {
        var head = muster_http_request()
        head.struct_size = UInt32(MUSTER_HTTP_REQUEST_SIZE_1_0) - 8
        head.abi_major = 1
        #expect(host.answer(host.sendRaw(&head, to: "front")).status == 500)
    }

    @Test func requestOfNullsIsReadAsEmpty() {
        var head = muster_http_request()
        head.struct_size = UInt32(MemoryLayout<muster_http_request>.size)
        head.abi_major = 1
        head.header_count = 5
        head.method.length = 3
        let answer = host.answer(host.sendRaw(&head, to: "front"))
        #expect(answer.status == 200)
        #expect(answer.text == "||||0|||-|-")
    }

    @Test func bodyArrivesInPieces() {
        let number = host.send(FakeRequest("/later", method: "POST", hasBody: true), to: "front")
        host.sendBody([1, 2], number)
        host.sendBody([], number)
        host.endBody(number)
        #expect(host.answer(number).status == 201)
        #expect(host.logLines.filter { $0.message == "body" }.map { $0.fields["bytes"] } == ["2", "0"])
    }

    @Test func bodyHandlerThatThrowsAnswers500() {
        let number = host.send(FakeRequest("/later", method: "POST", hasBody: true), to: "front")
        host.sendBody([1, 2, 3], number)
        #expect(host.answer(number).status == 500)
    }

    @Test(
        arguments: [
            (MUSTER_ABORT_CLIENT_GONE, "clientGone"), (MUSTER_ABORT_TIMEOUT, "timeout"),
            (MUSTER_ABORT_BAD_REQUEST, "badRequest"), (MUSTER_ABORT_SHUTDOWN, "shutdown"), (99, "other"),
        ])
    func abortIsToldWithItsReason(_ reason: muster_abort_reason, _ name: String) {
        let number = host.send(FakeRequest("/later"), to: "front")
        host.abort(number, reason)
        #expect(host.logLines.last?.fields == ["reason": name])
    }

    @Test func nullContextOfACallbackDoesNotTrap() throws {
        let handler = try #require(host.handler("front")).pointee
        handler.on_request?(nil, 1, nil)
        handler.on_body?(nil, 1, muster_bytes(data: nil, length: 4))
        handler.on_body_end?(nil, 1)
        handler.on_abort?(nil, 1, 1)
        handler.on_writable?(nil, 1)
        handler.on_body?(handler.context, 1, muster_bytes(data: nil, length: 4))
    }
}

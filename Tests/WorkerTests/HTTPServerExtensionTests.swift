import ControlProtocol
import MusterABI
import Synchronization
import Testing

@testable import Worker

/// The C table, called as a plugin calls it, and a real client on the other side.
@Suite struct HTTPServerExtensionTests {
    @Test func requestReachesThePluginAndItsAnswerTheClient() throws {
        let bench = try HTTPServerBench()
        defer { bench.stop() }
        #expect(bench.serve("web") == MUSTER_OK)
        bench.http.startAccepting()
        let answer = try bench.exchange("GET /a?b HTTP/1.1\r\nHost: x.example\r\nX-Token:  secret \r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("\r\nX-Answer: yes\r\n"))
        #expect(answer.hasSuffix("\r\n\r\nGET /a?b x.example 11 0 2 secret -"))
        let activity = try #require(bench.http.activity.first)
        #expect(activity.component == "Bench")
        #expect(activity.listener == "web")
        #expect(activity.requests == 1)
        #expect(activity.responsesByClass == [0, 1, 0, 0, 0])
    }

    @Test func fileIsReleasedOnceWhateverBecomesOfTheCall() throws {
        let bench = try HTTPServerBench()
        defer { bench.stop() }
        #expect(bench.serve("web") == MUSTER_OK)
        bench.http.startAccepting()
        #expect(try bench.exchange("GET /file HTTP/1.1\r\nHost: x\r\n\r\n").hasSuffix("\r\n\r\n2345"))
        #expect(bench.plugin.eventually { $0.released == 1 })
        // An exchange that never was, a field that is not allowed, a part beyond the end: each is released at once.
        #expect(bench.plugin.respondFile(1, offset: 0) == MUSTER_GONE)
        #expect(bench.plugin.released == 2)
        #expect(bench.plugin.respondFile(1, offset: 0, field: "Date") == MUSTER_INVALID)
        #expect(bench.plugin.released == 3)
        #expect(bench.plugin.respondFile(1, offset: 1000) == MUSTER_INVALID)
        #expect(bench.plugin.released == 4)
    }

    @Test func listenerIsServedOnceAndOnlyDuringPrepare() throws {
        let bench = try HTTPServerBench()
        defer { bench.stop() }
        #expect(bench.serve("web") == MUSTER_OK)
        #expect(bench.serve("web") == MUSTER_WRONG_STATE)
        #expect(bench.reason.contains("served already"))
        bench.preparing.isOn.withLock { $0 = false }
        #expect(bench.serve("web") == MUSTER_WRONG_STATE)
        #expect(bench.reason.contains("prepare"))
    }

    @Test(arguments: [
        ("nope", MUSTER_INVALID, "declares no listener \"nope\"; it declares: web, secure, bare, broken"),
        ("secure", MUSTER_FAILED, "gave no certificate for the listener \"secure\""),
        ("bare", MUSTER_INVALID, "muster.listener/1"),
        ("broken", MUSTER_FAILED, "port 80 is taken"), ("", MUSTER_INVALID, "UTF-8"),
    ])
    func listenerThatCannotBeServedIsRefusedWithTheReason(
        _ name: String, _ status: muster_status, _ reason: String
    ) throws {
        let bench = try HTTPServerBench()
        defer { bench.stop() }
        #expect(bench.serve(name) == status)
        #expect(bench.reason.contains(reason), "\(bench.reason)")
    }

    @Test func wrongArgumentsAreInvalidAndNeverTrap() throws {
        let bench = try HTTPServerBench()
        defer { bench.stop() }
        let table = bench.http.table.pointee
        var error = muster_error()
        error.struct_size = UInt32(MemoryLayout<muster_error>.size)
        var small = muster_http_handler()
        small.struct_size = 8
        var empty = muster_http_handler()
        empty.struct_size = UInt32(MemoryLayout<muster_http_handler>.size)
        var limits = muster_http_limits()
        let name = bench.plugin.webName
        #expect(table.serve(table.context, name, nil, nil, &error) == MUSTER_INVALID)
        #expect(table.serve(table.context, name, &small, nil, &error) == MUSTER_INVALID)
        #expect(table.serve(table.context, name, &empty, nil, &error) == MUSTER_INVALID)
        #expect(table.serve(table.context, name, bench.plugin.handler, &limits, &error) == MUSTER_INVALID)
        #expect(table.serve(table.context, muster_string(), bench.plugin.handler, nil, nil) == MUSTER_INVALID)
        #expect(table.serve(nil, name, bench.plugin.handler, nil, &error) == MUSTER_INVALID)
        let nothing = muster_bytes()
        let lying = muster_bytes(data: nil, length: 5)
        let huge = muster_bytes(data: UnsafePointer(bitPattern: 4096), length: .max)
        var field = muster_header()
        #expect(table.respond(table.context, 1, 200, nil, 1, nothing) == MUSTER_INVALID)
        #expect(table.respond(table.context, 1, 200, &field, .max, nothing) == MUSTER_INVALID)
        #expect(table.respond(table.context, 1, 200, &field, 1, nothing) == MUSTER_INVALID)
        #expect(table.respond(table.context, 1, 200, nil, 0, lying) == MUSTER_INVALID)
        #expect(table.respond(table.context, 1, 200, nil, 0, huge) == MUSTER_INVALID)
        #expect(table.respond(table.context, 1, .max, nil, 0, nothing) == MUSTER_INVALID)
        #expect(table.respond(nil, 1, 200, nil, 0, nothing) == MUSTER_INVALID)
        #expect(table.respond(table.context, 1, 200, nil, 0, nothing) == MUSTER_GONE)
        #expect(table.respond_file(table.context, 1, 200, nil, 0, nil) == MUSTER_INVALID)
        #expect(table.write(table.context, 1, lying) == MUSTER_INVALID)
        #expect(table.write(table.context, .max, nothing) == MUSTER_GONE)
        for call in [table.end, table.abort, table.pause_body, table.resume_body] {
            #expect(call?(table.context, 0) == MUSTER_GONE)
            #expect(call?(nil, 0) == MUSTER_INVALID)
        }
    }

    @Test func operatorsLimitsWinOverThePluginsAndThoseOverTheDefaults() {
        var asked = muster_http_limits()
        asked.head_bytes = 1000
        asked.body_bytes = 2000
        asked.idle_timeout = .max
        var plan = ListenerPlan(name: "web", transport: .http, clientCertificate: .none, maxConnections: 7)
        plan.bodyBytes = 3000
        plan.stallTimeout = 5
        let limits = HTTPLimitRequest(asked).applied(to: plan)
        #expect(limits.headBytes == 1000)
        #expect(limits.bodyBytes == 3000)
        #expect(limits.stallTimeout == 5)
        #expect(limits.headerCount == 100)
        #expect(limits.maxConnections == 7)
        // For ever, yet small enough to be added to a clock.
        #expect(limits.idleTimeout > 1 << 60 && limits.idleTimeout < 1 << 62)
    }

    @Test func drainCallsBackOnceAndNothingIsCalledAfterStop() throws {
        let bench = try HTTPServerBench()
        defer { bench.stop() }
        #expect(bench.serve("web") == MUSTER_OK)
        bench.http.startAccepting()
        #expect(try bench.exchange("GET /file HTTP/1.1\r\nHost: x\r\n\r\n").hasPrefix("HTTP/1.1 206"))
        bench.http.pauseAccepting()
        let done = Mutex(0)
        bench.http.drain(deadline: .max) { done.withLock { $0 += 1 } }
        #expect(bench.plugin.eventually { _ in done.withLock { $0 } == 1 })
        bench.http.stopCallbacks()
        bench.http.stopCallbacks()
        #expect(done.withLock { $0 } == 1)
    }
}

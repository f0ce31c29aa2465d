import ControlProtocol
import Foundation
import Testing

extension LiveTests {
    /// Crashes, hangs and the end of the supervisor, against the real binary.
    @Suite struct SupervisionTests {
        /// A host that restarts without pause however often a test kills.
        static let patient = "supervision: {restart_limit: 1000}"

        @Test func crashUnderLoadRefusesNoConnectAndTouchesNoSibling() throws {
            let host = try Fixture.start(host: Self.patient)
            let appPort = try host.port(of: "App")
            let otherPID = try host.component("Other").pid
            let app = Load(port: appPort)
            let other = Load(port: try host.port(of: "Other"))
            for round in 1...10 {
                guard let pid = try host.component("App").pid else { continue }
                kill(pid, SIGKILL)
                try host.waitUntil("restart \(round)") {
                    let now = try host.component("App")
                    return now.state == .running && now.pid != pid
                }
            }
            let appTally = app.stop()
            let otherTally = other.stop()
            #expect(appTally.failures["refused"] == nil, "\(appTally)")
            #expect(otherTally.failures.isEmpty, "\(otherTally)")
            #expect(try host.component("App").restarts == 10)
            #expect(try host.component("Other").pid == otherPID)
            #expect(try host.get("/", from: "App").text == "old")
        }

        @Test func pluginThatAbortsInARequestIsRestarted() throws {
            let host = try Fixture.start(host: Self.patient)
            #expect(throws: (any Error).self) { try host.get("/crash", from: "App") }
            try host.waitUntil("App serves again") { (try? host.get("/", from: "App").text) == "old" }
            #expect(try host.component("App").restarts == 1)
            #expect(host.log.contains("SIGABRT"))
        }

        @Test func blockedEventLoopIsEndedByTheWatchdogAndReplaced() throws {
            let host = try Fixture.start(host: "supervision: {watchdog: 2s}\nloops: 1")
            let pid = try host.component("App").pid
            let connection = try Connection(port: host.port(of: "App"))
            try connection.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
            try host.waitUntil("App is replaced") {
                let now = try host.component("App")
                return now.state == .running && now.pid != pid
            }
            #expect(try host.get("/", from: "App").text == "old")
            #expect(host.log.contains("watchdog"))
        }

        @Test func stoppedWorkerIsReplaced() throws {
            let host = try Fixture.start(host: "supervision: {watchdog: 2s}")
            guard let pid = try host.component("App").pid else { throw LiveFailure("no pid") }
            kill(pid, SIGSTOP)
            try host.waitUntil("App is replaced") {
                let now = try host.component("App")
                return now.state == .running && now.pid != pid
            }
            try host.waitUntil("the stopped worker is gone") { !isAlive(pid) }
        }

        @Test func stoppedWorkerIsReplacedWithinFifteenSecondsByTheDefaultSettings() throws {
            let host = try Fixture.start()
            guard let pid = try host.component("App").pid else { throw LiveFailure("no pid") }
            let other = Load(port: try host.port(of: "Other"), clients: 1)
            let begun = Date()
            kill(pid, SIGSTOP)
            try host.waitUntil("App is replaced", within: 20) {
                let now = try host.component("App")
                return now.state == .running && now.pid != pid
            }
            #expect(Date().timeIntervalSince(begun) < 15)
            #expect(try host.component("App").message?.contains("the process was stopped") == true)
            #expect(try host.get("/", from: "App").text == "old")
            #expect(other.stop().failures.isEmpty)
        }

        @Test func hundredKillsUnderLoadRefuseNoConnectAndFailNoSibling() throws {
            let host = try Fixture.start(host: Self.patient)
            let otherPID = try host.component("Other").pid
            let app = Load(port: try host.port(of: "App"), clients: 1)
            let other = Load(port: try host.port(of: "Other"), clients: 1)
            var former: Int32?
            for round in 1...100 {
                try host.waitUntil("restart \(round)") {
                    let now = try host.component("App")
                    guard now.state == .running, let pid = now.pid, pid != former else { return false }
                    former = pid
                    kill(pid, SIGKILL)
                    return true
                }
            }
            try host.waitUntil("App serves after the last") { (try? host.get("/", from: "App").text) == "old" }
            let tally = app.stop()
            #expect(tally.failures["refused"] == nil, "\(tally)")
            #expect(tally.answered > 0)
            let sibling = other.stop()
            #expect(sibling.failures.isEmpty && sibling.answered > 0, "\(sibling)")
            #expect(try host.component("App").restarts == 100)
            #expect(try host.component("Other").pid == otherPID)
            #expect(try host.component("Other").restarts == 0)
        }

        @Test func supervisorKilledLeavesNoWorkerBehind() throws {
            let host = try Fixture.start()
            let workers = children(of: host.processID)
            #expect(workers.count >= 2)
            host.signal(SIGKILL)
            try host.waitForExit()
            try host.waitUntil("the workers are gone") { workers.allSatisfy { !isAlive($0) } }
        }

        @Test func killedSupervisorCanBeStartedAgainAtOnce() throws {
            let host = try Fixture.start()
            host.signal(SIGKILL)
            try host.waitForExit()
            try host.startAndWait()
            #expect(try host.get("/", from: "App").text == "old")
            #expect(try host.stop() == 0)
        }

        @Test func terminationDrainsAndExitsZero() throws {
            let host = try Fixture.start()
            let workers = children(of: host.processID)
            let connection = try Connection(port: host.port(of: "App"))
            try connection.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try connection.receiveHead().status == 200)
            #expect(try connection.receiveChunk() != nil)
            host.signal(SIGTERM)
            #expect(try connection.receiveChunk().map { String(decoding: $0, as: UTF8.self) } == "ended\n")
            #expect(try connection.receiveChunk() == nil)
            #expect(try host.waitForExit() == 0)
            #expect(workers.allSatisfy { !isAlive($0) })
        }

        @Test func secondTerminationExitsNow() throws {
            let host = try Fixture.start()
            let connection = try Connection(port: host.port(of: "App"))
            try connection.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
            try host.waitUntil("the request is under way") {
                try host.component("App").listeners.first?.activity.exchanges == 1
            }
            let workers = children(of: host.processID)
            host.signal(SIGINT)
            try host.waitUntil("it is stopping") { (try? host.status().phase) == .stopping || host.exited() != nil }
            #expect(host.exited() == nil, "it must wait for the request")
            let begun = Date()
            host.signal(SIGINT)
            try host.waitForExit(within: 5)
            #expect(Date().timeIntervalSince(begun) < 3)
            try host.waitUntil("the workers are gone") { workers.allSatisfy { !isAlive($0) } }
        }

        @Test func pluginThatAnswersTwiceOrNeverHarmsOnlyItself() throws {
            let host = try Fixture.start()
            let silent = try Connection(port: host.port(of: "App"))
            try silent.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
            let connection = try Connection(port: host.port(of: "App"))
            #expect(try connection.get("/twice").text == "first")
            #expect(try connection.get("/").text == "old")
            #expect(try host.component("App").restarts == 0)
        }

        @Test func everyLineOfAComponentCarriesItsNameAndGeneration() throws {
            let host = try Fixture.start()
            #expect(throws: (any Error).self) { try host.get("/crash", from: "App") }
            try host.waitUntil("the crash is logged") { host.log.contains("SIGABRT") }
            let generation = try host.status().generation
            let line = host.log.split(separator: "\n").first { $0.contains("SIGABRT") } ?? ""
            #expect(line.contains("App") && line.contains("\(generation)"), "\(line)")
        }
    }
}

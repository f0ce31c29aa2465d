import ControlProtocol
import Foundation
import Testing

extension LiveTests {
    /// The bus between real workers: `Asker` calls and publishes, `Depot` serves and subscribes, `App` has no part in it.
    @Suite struct BusTests {
        static func components(asker: String = "", depot: String = "", greeting: String = "hello") -> String {
            Fixture.component("Asker").bus(asker)
                + Fixture.component("Depot", config: "{greeting: \(greeting)}").bus(depot)
                + Fixture.component("App", config: "{answer: old}")
        }

        static func start(asker: String = "", depot: String = "", host settings: String = "") throws -> LiveHost {
            let host = try LiveHost(plugins: ["Asker": "FixtureCaller", "Depot": "FixtureServer", "App": "FixtureOne"])
            try host.configure(
                components(asker: asker, depot: depot), host: "supervision: {restart_limit: 1000}\n" + settings)
            try host.startAndWait()
            return host
        }

        static func reconfigure(
            _ host: LiveHost, asker: String = "", depot: String = "", greeting: String = "hello"
        ) throws {
            try host.configure(
                components(asker: asker, depot: depot, greeting: greeting),
                host: "supervision: {restart_limit: 1000}\n")
        }

        /// What `/call` answers: outcome, status, payload and reason.
        private func call(_ host: LiveHost, _ method: String, milliseconds: Int = 20_000) throws -> String {
            try host.get("/call/\(method)/\(milliseconds)", from: "Asker").text
        }

        @Test func messageReachesTheOtherComponentWithItsSender() throws {
            let host = try Self.start()
            #expect(try host.get("/publish/fixture.news/first", from: "Asker").text == "status 0|")
            try host.waitUntil("the message arrives") { try host.get("/news", from: "Depot").text == "1 Asker first" }
            let asker = try host.component("Asker").bus
            let depot = try host.component("Depot").bus
            #expect(asker?.published == 1 && asker?.delivered == 0)
            #expect(depot?.delivered == 1 && depot?.dropped == 0)
            #expect(try host.component("App").bus == nil)
        }

        @Test func callIsAnsweredWithTheCallersName() throws {
            let host = try Self.start()
            #expect(try call(host, "echo") == "1 0 hello Asker|")
            #expect(try call(host, "fail") == "2 1 |it cannot be done")
            #expect(try host.component("Asker").bus?.callsMade == 2)
            #expect(try host.component("Asker").bus?.callsFailed == 1)
            #expect(try host.component("Depot").bus?.callsServed == 2)
        }

        @Test func hostAnswersWithItsStatusUnlessItIsDenied() throws {
            let host = try Self.start()
            let answer = try host.get("/host/get", from: "Asker").text
            #expect(answer.hasPrefix(#"1 0 {"components":[{"bus":{"callsFailed":0,"#), "\(answer)")
            let other = try host.get("/host/put", from: "Asker").text
            #expect(other == "2 6 |host.status has no method 'put', only 'get'")
            try Self.reconfigure(host, asker: "{deny: [host.status]}")
            #expect(try host.reload().result == .committed)
            #expect(try host.get("/host/get", from: "Asker").text.contains("host.status"))
            #expect(try host.get("/host/get", from: "Asker").text.hasPrefix("status "))
        }

        @Test func componentsOfOneWorkerSpeakAsThoseOfTwo() throws {
            let host = try Self.start(host: "isolation: shared")
            #expect(try call(host, "echo") == "1 0 hello Asker|")
            #expect(try host.get("/publish/fixture.news/shared", from: "Asker").text == "status 0|")
            try host.waitUntil("the message arrives") { try host.get("/news", from: "Depot").text == "1 Asker shared" }
        }

        @Test func deadlineEndsACallThatIsNotReplied() throws {
            let host = try Self.start()
            let begun = Date()
            #expect(try call(host, "never", milliseconds: 300).hasPrefix("5 4 |"))
            let taken = Date().timeIntervalSince(begun)
            #expect(taken >= 0.3 && taken < 5, "\(taken)")
        }

        @Test func whatIsNotDeclaredOrNotServedIsRefused() throws {
            let host = try Self.start()
            let undeclared = try host.get("/publish/fixture.secrets/x", from: "Asker").text
            #expect(undeclared == "status 2|the manifest does not say that Asker publishes 'fixture.secrets'")
            #expect(try host.get("/nobody", from: "Asker").text.hasPrefix("4 4 |no component of this host serves"))
        }

        @Test func twoServersOfOneServiceAreAnErrorThatNamesBoth() throws {
            let host = try LiveHost(plugins: ["Depot": "FixtureServer", "Store": "FixtureServer"])
            try host.configure(Fixture.component("Depot") + Fixture.component("Store"))
            try host.start()
            #expect(try host.waitForExit() == 78)
            #expect(host.log.contains("Depot and Store both serve 'fixture.echo' on the bus"), "\(host.log)")
        }

        @Test func denyAndCallersTakeEffectWithoutARestartOfAnyWorker() throws {
            let host = try Self.start()
            let pids = try host.status().components.map(\.pid)
            try Self.reconfigure(host, asker: "{deny: [fixture.news]}", depot: "{callers: {fixture.echo: [App]}}")
            let receipt = try host.reload()
            #expect(receipt.result == .committed)
            #expect(receipt.components.map(\.outcome) == [.narrowed, .narrowed, .unchanged], "\(receipt)")
            let denied = try host.get("/publish/fixture.news/x", from: "Asker").text
            #expect(denied == "status 6|the configuration takes 'fixture.news' from Asker (its 'bus: deny')")
            let refused = "3 6 |the configuration does not let Asker call 'fixture.echo' of Depot"
            #expect(try call(host, "echo") == refused)
            try Self.reconfigure(host)
            #expect(try host.reload().result == .committed)
            #expect(try call(host, "echo") == "1 0 hello Asker|")
            #expect(try host.get("/publish/fixture.news/again", from: "Asker").text == "status 0|")
            #expect(try host.status().components.map(\.pid) == pids)
            #expect(try host.reload().result == .unchanged)
        }

        @Test func reloadOfTheServerLosesNoneOfTwoHundredCalls() throws {
            let host = try Self.start()
            let slow = Load(port: try host.port(of: "Asker"), target: "/call/slow/20000", clients: 10)
            let quick = Load(port: try host.port(of: "Asker"), target: "/call/echo/20000", clients: 1)
            for number in 1...5 {
                let before = slow.answered
                try host.waitUntil("forty more calls") { slow.answered >= before + 40 }
                try Self.reconfigure(host, greeting: "\"number \(number)\"")
                let receipt = try host.reload()
                #expect(receipt.result == .committed, "\(receipt)")
            }
            let tallies = [slow.stop(), quick.stop()]
            #expect(tallies[0].answered >= 200)
            for tally in tallies { #expect(tally.failures.isEmpty, "\(tally)\n\(host.log)") }
            #expect(Set(tallies[0].answers.keys) == ["200 1 0 slow|"], "\(tallies)")
            #expect(Set(tallies[1].answers.keys) == ["200 1 0 hello Asker|"], "\(tallies)")
        }

        @Test func killedServerAnswersGoneAtOnceAndTheNextCallWaitsForTheRestart() throws {
            let host = try Self.start()
            guard let pid = try host.component("Depot").pid else { throw LiveFailure("no pid") }
            let connection = try Connection(port: host.port(of: "Asker"))
            try connection.send("GET /call/never/60000 HTTP/1.1\r\nHost: a\r\n\r\n")
            try host.waitUntil("the call is in the server's hands") {
                try host.get("/calls", from: "Depot").text == "1"
            }
            let begun = Date()
            kill(pid, SIGKILL)
            #expect(try connection.receive().text == "6 4 |the worker of Depot ended with the call in its hands")
            #expect(Date().timeIntervalSince(begun) < 5)
            let next = try call(host, "pid")
            #expect(next.hasPrefix("1 0 ") && !next.contains("\(pid)"), "\(next)")
            #expect(try host.component("Depot").restarts == 1)
        }

        @Test func floodIsBoundedAndCountedAndSiblingsGoOn() throws {
            let host = try Self.start()
            let load = Load(port: try host.port(of: "App"))
            let calls = Load(port: try host.port(of: "Asker"), target: "/publish/fixture.news/x", clients: 1)
            let taken = try Int(host.get("/flood/50000", from: "Asker").text) ?? -1
            #expect(taken > 0 && taken < 50_000)
            try host.waitUntil("every message is published or counted as dropped") {
                let bus = try host.component("Asker").bus
                return (bus?.published ?? 0) + (bus?.dropped ?? 0) >= 50_000
            }
            let tally = load.stop()
            _ = calls.stop()
            #expect(tally.failures.isEmpty, "\(tally)")
            let asker = try host.component("Asker").bus
            #expect(asker?.droppedByTopic["fixture.news"] == asker?.dropped)
            #expect(asker?.violations == 0)
            #expect(try host.component("App").restarts == 0)
            // The rate fills again: the bus goes on for the one who flooded it.
            try host.waitUntil("a call gets through again") { try call(host, "echo") == "1 0 hello Asker|" }
        }

        @Test func terminationEndsWhatWaits() throws {
            let host = try Self.start()
            let connection = try Connection(port: host.port(of: "Asker"))
            try connection.send("GET /call/never/1500 HTTP/1.1\r\nHost: a\r\n\r\n")
            try host.waitUntil("the call is in the server's hands") {
                try host.get("/calls", from: "Depot").text == "1"
            }
            #expect(try host.stop() == 0)
            let answer = try connection.receive().text
            // Depot drains until the call's deadline; that is when both can end.
            #expect(answer.hasPrefix("5 4 |"), "\(answer)")
        }

        /// Not a test: prints what a call costs, for docs/performance.md. Measure an optimised build.
        @Test(.enabled(if: ProcessInfo.processInfo.environment["MUSTER_BUS_BENCH"] != nil))
        func measureCalls() throws {
            let host = try Self.start()
            // Within the rate, which fills in the second between.
            for round in 1...5 {
                let latency = try host.get("/latency/2000", from: "Asker").text
                usleep(1_500_000)
                let throughput = try host.get("/throughput/4000", from: "Asker").text
                usleep(1_500_000)
                print(
                    "round \(round), ns: 2000 calls one after the other: \(latency); 4000, 64 at a time: \(throughput)")
            }
        }
    }
}

extension String {
    /// With a `bus` section, where there is one.
    fileprivate func bus(_ settings: String) -> String { settings.isEmpty ? self : self + "  bus: \(settings)\n\n" }
}

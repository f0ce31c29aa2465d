import ControlProtocol
import Foundation
import MetricsTesting
import Testing

extension LiveTests {
    /// The built-in metrics worker of a real host, read as Prometheus reads it.
    @Suite struct MetricsTests {
        static let settings = "metrics: {listen: \"127.0.0.1:0\"}\nsupervision: {restart_limit: 1000}"

        private func scrape(_ host: LiveHost) throws -> ScrapedMetrics {
            let response = try host.get("/metrics", from: "metrics")
            guard response.status == 200 else { throw LiveFailure("\(response.status) \(response.text)") }
            return try ScrapedMetrics(response.text)
        }

        private func requests(_ exposition: ScrapedMetrics, _ component: String, _ code: String = "2xx") -> Double {
            exposition.value(
                "muster_listener_requests_total", ["component": component, "listener": "web", "code": code]) ?? -1
        }

        private func counts(_ exposition: ScrapedMetrics) -> Double {
            exposition.value("fixture_counts_total", ["component": "App", "kind": "asked"]) ?? -1
        }

        /// Workers tell what they counted once a second.
        private func waitFor(
            _ what: String, on host: LiveHost, _ condition: (ScrapedMetrics) throws -> Bool
        ) throws {
            try host.waitUntil(what) { try condition(scrape(host)) }
        }

        @Test func theEndpointAnswersAndCountsGrowWithRequests() throws {
            let host = try Fixture.start(host: Self.settings)
            for _ in 0..<7 { #expect(try host.get("/", from: "App").status == 200) }
            #expect(try host.get("/nothing", from: "App").status == 404)
            try waitFor("the requests are told", on: host) {
                requests($0, "App") == 7 && requests($0, "App", "4xx") == 1
            }
            let read = try scrape(host)
            let web = ["component": "App", "listener": "web"]
            #expect(read.value("muster_listener_request_duration_seconds_count", web) == 8)
            #expect(read.value("muster_listener_accepted_connections_total", web) == 8)
            #expect(read.value("muster_listener_received_bytes_total", web).map { $0 > 8 * 30 } == true)
            for component in ["App", "Other", "metrics"] {
                #expect(read.value("muster_component_up", ["component": component]) == 1)
                #expect(
                    read.value("muster_component_resident_bytes", ["component": component]).map { $0 > 1e6 } == true)
            }
            #expect(read.value("muster_generation") == 1)
            #expect(read.value("muster_supervisor_resident_bytes").map { $0 > 1e6 } == true)
            // Its own listener is one like any other; no listener here speaks TLS.
            #expect(read.value("muster_listener_connections", ["component": "metrics", "listener": "metrics"]) != nil)
            #expect(read.family("muster_listener_tls_handshakes_total")?.samples.isEmpty == true)
            let status = try host.status()
            #expect(status.metricsURLs == ["http://127.0.0.1:\(try host.port(of: "metrics"))/metrics"])
            #expect(status.components.last?.isBuiltIn == true)
        }

        @Test func whatElseIsAskedForGetsAnAnswerThatHelps() throws {
            let host = try Fixture.start(host: Self.settings)
            #expect(try host.get("/", from: "metrics").text == "The metrics of this host are at /metrics.\n")
            #expect(try host.get("/nothing", from: "metrics").status == 404)
            let connection = try Connection(port: host.port(of: "metrics"))
            try connection.send("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            let refused = try connection.receive()
            #expect(refused.status == 405 && refused.headers["allow"] == "GET, HEAD")
            try connection.send("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            let head = try connection.receiveHead()
            #expect(head.status == 200 && Int(head.headers["content-length"] ?? "") ?? 0 > 1000)
            #expect(head.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            try connection.send(
                "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n\r\n"
            )
            let response = try connection.receive()
            #expect(response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
            #expect(try ScrapedMetrics(response.text, isOpenMetrics: true).value("muster_generation") == 1)
        }

        @Test func aPluginsOwnMetricsComeWithItsComponent() throws {
            let host = try Fixture.start(host: Self.settings)
            try waitFor("the metrics are defined", on: host) { counts($0) == 0 }
            for _ in 0..<3 { #expect(try host.get("/count", from: "App").text == "counted") }
            try waitFor("the counts are told", on: host) { counts($0) == 3 }
            let read = try scrape(host)
            #expect(read.value("fixture_level", ["component": "App"]) == 5)
            #expect(read.value("fixture_sizes_bucket", ["component": "App", "le": "10"]) == 3)
            #expect(read.value("fixture_sizes_sum", ["component": "App"]) == 9)
            #expect(read.value("fixture_counts_total", ["component": "Other", "kind": "asked"]) == 0)
            #expect(read.family("fixture_counts_total")?.help == "Requests for /count.")
        }

        @Test func countersDoNotGoBackwardsThroughCrashesAndReloads() throws {
            let host = try Fixture.start(host: Self.settings)
            for _ in 0..<5 { _ = try host.get("/count", from: "App") }
            try waitFor("the counts are told", on: host) { counts($0) == 5 && requests($0, "App") == 5 }
            let pid = try #require(try host.component("App").pid)
            kill(pid, SIGKILL)
            // Each look, also those in between, shows no less than the one before.
            var last = 5.0
            try waitFor("App is back", on: host) { read in
                let now = min(counts(read), requests(read, "App"))
                #expect(now >= last, "\(now) after \(last)")
                last = max(last, now)
                return try host.component("App").state == .running && host.component("App").pid != pid
            }
            #expect(try scrape(host).value("muster_component_restarts_total", ["component": "App"]) == 1)
            _ = try host.get("/count", from: "App")
            try waitFor("the new worker's are added", on: host) { counts($0) == 6 && requests($0, "App") == 6 }

            try Fixture.configure(host, app: "{answer: new}", host: Self.settings)
            #expect(try host.reload().result == .committed)
            _ = try host.get("/count", from: "App")
            try waitFor("the next generation's are added", on: host) { counts($0) == 7 && requests($0, "App") == 7 }
            let read = try scrape(host)
            #expect(read.value("muster_component_restarts_total", ["component": "App"]) == 1)
            #expect(read.value("muster_reloads_total", ["result": "committed"]) == 1)
            #expect(read.value("muster_generation") == 2)
            #expect(read.value("muster_component_cpu_seconds_total", ["component": "App"]).map { $0 > 0 } == true)
        }

        @Test func whatAGracefulWorkerCountedLastIsNotLost() throws {
            let host = try Fixture.start(host: Self.settings)
            // Within one second of each other: the last requests are in no pulse of a running worker.
            for _ in 0..<20 { _ = try host.get("/count", from: "App") }
            try Fixture.configure(host, app: "{answer: new}", host: Self.settings)
            #expect(try host.reload().result == .committed)
            try waitFor("all twenty are told", on: host) { counts($0) == 20 && requests($0, "App") == 20 }
        }

        @Test func scrapesAreAnsweredDuringReloads() throws {
            let host = try Fixture.start(host: Self.settings)
            let load = Load(port: try host.port(of: "metrics"), target: "/metrics", clients: 1)
            for round in 0..<5 {
                try Fixture.configure(host, app: "{answer: \"\(round)\"}", host: Self.settings)
                #expect(try host.reload().result == .committed)
            }
            let before = load.answered
            try host.waitUntil("more scrapes are answered") { load.answered > before + 5 }
            let tally = load.stop()
            #expect(tally.failures.isEmpty, "\(tally.failures)")
            #expect(tally.answers.keys.allSatisfy { $0.hasPrefix("200 ") }, "\(tally.answers)")
        }

        @Test func aReloadTouchesTheMetricsWorkerOnlyWhereItsSectionChanged() throws {
            let host = try Fixture.start(host: Self.settings)
            let pid = try host.component("metrics").pid
            let appPID = try host.component("App").pid
            let other = Self.settings.replacingOccurrences(
                of: "\"127.0.0.1:0\"", with: "{address: \"127.0.0.1:0\", max_connections: 7}")
            try Fixture.configure(host, app: "{answer: old}", host: other)
            let receipt = try host.reload()
            #expect(receipt.components.filter { $0.outcome != .unchanged }.map(\.name) == ["metrics"])
            #expect(try host.component("metrics").pid != pid)
            #expect(try host.component("App").pid == appPID)
            #expect(requests(try scrape(host), "App") >= 0)
            try Fixture.configure(host, app: "{answer: old}")
            #expect(try host.reload().components.map(\.outcome) == [.unchanged, .unchanged, .removed])
            #expect(try host.status().metricsURLs.isEmpty)
        }

        @Test func theMetricsWorkerIsRestartedLikeAnyOther() throws {
            let host = try Fixture.start(host: Self.settings)
            let pid = try #require(try host.component("metrics").pid)
            kill(pid, SIGKILL)
            try waitFor("it answers again", on: host) {
                $0.value("muster_component_restarts_total", ["component": "metrics"]) == 1
            }
        }

        @Test func aPortThatAComponentHasIsAMistakeWithItsPlace() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne"])
            try host.configure(
                "App:\n  listen: {web: \"127.0.0.1:59464\"}", host: "metrics: {listen: \"127.0.0.1:59464\"}")
            try host.start()
            #expect(try host.waitForExit() == 78)
            #expect(
                host.log.contains("config.yaml:5:21: error: host.metrics cannot listen on 127.0.0.1:59464"),
                "\(host.log)")
            #expect(host.log.contains("it already belongs to App.web (line 8)"))
        }

        @Test func fiftyScrapesAtOnceAreAllAnsweredAlike() throws {
            let host = try Fixture.start(host: Self.settings)
            let port = try host.port(of: "metrics")
            let results = Results()
            let group = DispatchGroup()
            for _ in 0..<50 {
                group.enter()
                Thread.detachNewThread {
                    defer { group.leave() }
                    results.add(Result { try Connection(port: port).get("/metrics", close: true) })
                }
            }
            group.wait()
            let responses = try results.all.map { try $0.get() }
            #expect(responses.count == 50 && responses.allSatisfy { $0.status == 200 })
            for response in responses { _ = try ScrapedMetrics(response.text) }
        }

        @Test func slowScrapersDisturbNobody() throws {
            let host = try Fixture.start(host: Self.settings)
            let port = try host.port(of: "metrics")
            // They ask again and again, and read nothing.
            let slow = try (0..<20).map { _ in try Connection(port: port) }
            for connection in slow {
                for _ in 0..<20 { try connection.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n") }
            }
            for _ in 0..<20 {
                let began = Date()
                #expect(try host.get("/", from: "App").text == "old")
                #expect(try host.status().phase == .running)
                _ = try scrape(host)
                #expect(Date().timeIntervalSince(began) < 5)
            }
            withExtendedLifetime(slow) {}
        }
    }
}

/// What threads came to.
private final class Results: @unchecked Sendable {
    // Sendable: `values` is guarded by `lock`.
    private let lock = NSLock()
    private var values: [Result<Response, any Error>] = []

    func add(_ value: Result<Response, any Error>) { lock.withLock { values.append(value) } }

    var all: [Result<Response, any Error>] { lock.withLock { values } }
}

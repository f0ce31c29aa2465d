@testable import Worker
import ControlProtocol
import FoundationEssentials
import MetricsTesting
import Networking
import Testing

/// What the metrics worker answers, written from a snapshot and read again by a strict reader.
@Suite struct MetricsPageTests {
    private static func snapshot(_ components: [ComponentMetrics] = []) -> MetricsSnapshot {
        let host = MetricsSnapshot.Host(
            version: "0.1.0", generation: 3, startedAt: 1_700_000_000.25, residentBytes: 5_000_000,
            processorSeconds: 0.5, openDescriptors: 12, reloads: [.committed: 2, .rolledBack: 1])
        return MetricsSnapshot(host: host, components: components)
    }

    private static func component(
        _ name: String, isTLS: Bool = false, families: [MetricFamily] = []
    ) -> ComponentMetrics {
        var activity = ListenerActivity(component: name, listener: "web")
        activity.connections = 2
        activity.responsesByClass = [9, 10, 0, 1, 0]
        activity.fullHandshakes = 4
        activity.durations.counts[0] = 10
        activity.durations.counts[14] = 1
        activity.durations.sum = 12_500_000_000
        var bus = BusActivity()
        bus.callsFailed = 6
        return ComponentMetrics(
            name: name, isUp: true, restarts: 1, residentBytes: 1024, processorSeconds: 1.25, loopLagSeconds: 0.001,
            droppedLogLines: 0, bus: isTLS ? bus : nil,
            listeners: [.init(name: "web", isTLS: isTLS, activity: activity)], families: families)
    }

    private static func family(
        _ kind: MetricDefinition.Kind, _ name: String, unit: String = "", labels: [String] = [], bounds: [Double] = [],
        _ series: [MetricFamily.Series]
    ) -> MetricFamily {
        MetricFamily(
            definition: MetricDefinition(
                kind: kind, name: name, help: "It \\ helps.\nA \"lot\".", unit: unit, labels: labels, bounds: bounds),
            series: series)
    }

    @Test(arguments: [ExpositionFormat.text, .openMetrics])
    func everythingIsReadAgain(format: ExpositionFormat) throws {
        let own = Self.family(
            .histogram, "app_wait_seconds", unit: "seconds", labels: ["kind"], bounds: [0.5, 1],
            [.init(labels: ["a\"b\\c\nd}\u{0}\u{301}, e=\"f"], numbers: [3.5, 1, 2, 3])])
        let counter = Self.family(.counter, "app_things_total", [.init(labels: [], numbers: [1e300])])
        let page = MetricsPage(
            Self.snapshot([Self.component("A", isTLS: true, families: [own, counter]), Self.component("B")]),
            as: format)
        let read = try ScrapedMetrics(page.text, isOpenMetrics: format == .openMetrics)
        #expect(page.clashes.isEmpty)
        let labels = ["component": "A", "listener": "web"]
        #expect(read.value("muster_build_info", ["version": "0.1.0", "abi": "1.0"]) == 1)
        #expect(read.value("muster_reloads_total", ["result": "rolled_back"]) == 1)
        #expect(read.value("muster_reloads_total", ["result": "refused"]) == 0)
        #expect(read.value("muster_listener_requests_total", labels.merging(["code": "2xx"]) { $1 }) == 10)
        #expect(read.value("muster_listener_requests_total", labels.merging(["code": "1xx"]) { $1 }) == nil)
        #expect(read.value("muster_listener_tls_handshakes_total", labels.merging(["result": "full"]) { $1 }) == 4)
        #expect(
            read.family(format == .text ? "muster_listener_tls_handshakes_total" : "muster_listener_tls_handshakes")?
                .samples.count == 3)
        #expect(read.value("muster_listener_request_duration_seconds_count", labels) == 11)
        #expect(read.value("muster_listener_request_duration_seconds_sum", labels) == 12.5)
        #expect(
            read.value("muster_listener_request_duration_seconds_bucket", labels.merging(["le": "0.0005"]) { $1 }) == 10
        )
        #expect(read.value("muster_component_bus_calls_total", ["component": "A", "kind": "failed"]) == 6)
        #expect(read.value("muster_component_bus_calls_total", ["component": "B", "kind": "failed"]) == nil)
        #expect(read.value("app_things_total", ["component": "A"]) == 1e300)
        #expect(
            read.value(
                "app_wait_seconds_bucket",
                ["component": "A", "kind": "a\"b\\c\nd}\u{0}\u{301}, e=\"f", "le": format == .text ? "1" : "1.0"]) == 3)
        #expect(read.family("app_wait_seconds")?.unit == (format == .text ? "" : "seconds"))
    }

    @Test func theTextFormatIsWrittenLikeThis() {
        var exposition = Exposition(.text)
        exposition.write(
            "app_wait_seconds", .histogram, help: "A\nb.", unit: "seconds",
            series: [.init(labels: [("component", "A")], numbers: [0.75, 1, 0, 2], bounds: [0.5, 1])])
        #expect(
            exposition.finish() == """
                # HELP app_wait_seconds A\\nb.
                # TYPE app_wait_seconds histogram
                app_wait_seconds_bucket{component="A",le="0.5"} 1
                app_wait_seconds_bucket{component="A",le="1"} 1
                app_wait_seconds_bucket{component="A",le="+Inf"} 3
                app_wait_seconds_sum{component="A"} 0.75
                app_wait_seconds_count{component="A"} 3

                """)
    }

    @Test func openMetricsIsWrittenLikeThis() {
        var exposition = Exposition(.openMetrics)
        exposition.write(
            "app_read_bytes_total", .counter, help: "A \"b\".", unit: "bytes", series: [.init(labels: [], numbers: [3])]
        )
        exposition.write("app_build_info", .info, help: "C.", series: [.init(labels: [("v", "1")], numbers: [1])])
        #expect(
            exposition.finish() == """
                # HELP app_read_bytes A \\"b\\".
                # TYPE app_read_bytes counter
                # UNIT app_read_bytes bytes
                app_read_bytes_total 3
                # HELP app_build C.
                # TYPE app_build info
                app_build_info{v="1"} 1
                # EOF

                """)
    }

    @Test func oneNameForTwoComponentsIsOneFamilyWhereTheyMeanTheSame() throws {
        func gauge(_ value: Double) -> MetricFamily {
            Self.family(.gauge, "level", [.init(labels: [], numbers: [value])])
        }
        let other = Self.family(.counter, "level_total", [.init(labels: [], numbers: [7])])
        let page = MetricsPage(
            Self.snapshot([
                Self.component("A", families: [gauge(1)]), Self.component("B", families: [gauge(2)]),
                Self.component("C", families: [other]),
            ]), as: .openMetrics)
        let read = try ScrapedMetrics(page.text, isOpenMetrics: true)
        #expect(read.family("level")?.samples.map(\.value) == [1, 2])
        #expect(page.clashes == [.init(component: "C", name: "level_total", holder: "A")])
    }

    @Test func whatEachBoundIsAgreesBetweenTheServerAndTheProtocol() {
        #expect(RequestDurations.bounds == DurationCounts.bounds)
        #expect(RequestDurations().counts.count == DurationCounts().counts.count)
    }

    /// The table of docs/metrics.md is the table of the code.
    @Test func everyMetricIsDocumentedAndNoOther() throws {
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        let data = try Data(contentsOf: URL(filePath: root + "/docs/metrics.md"))
        let rows = String(decoding: data, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("| `muster_") }
        let expected = HostFamilies.all.map { family in
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(family.name)` | \(family.kind.rawValue) | \(labels) | \(family.help) |"
        }
        for (row, wanted) in zip(rows.map(String.init), expected) { #expect(row == wanted) }
        #expect(rows.count == expected.count)
    }

    // MARK: Which format

    @Test(arguments: [
        ("", ExpositionFormat.text), ("*/*", .text), ("text/plain", .text),
        ("application/openmetrics-text", .openMetrics),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics),
        ("application/openmetrics-text; version=1.0.0; q=0.2, text/plain; q=0.5", .text),
        ("application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5", .text),
        ("application/openmetrics-text;q=0", .text), ("application/openmetrics-text;q=x", .text), (";;,,=;q", .text),
    ])
    func theFormatIsWhatTheReaderPrefers(accept: String, format: ExpositionFormat) {
        #expect(ExpositionFormat(accept: accept) == format)
    }

    // MARK: Who waits for what

    @Test func oneQuestionServesAllWhoAskMeanwhile() {
        var questions = SnapshotQuestions<Int>()
        #expect(questions.add(1, at: 0) == .ask(1))
        #expect(questions.add(2, at: 1) == .wait)
        questions.remove { $0 == 2 }
        #expect(questions.add(3, at: 2) == .wait)
        #expect(questions.answered(1) == [1, 3])
        #expect(questions.answered(1) == [])
        #expect(questions.add(4, at: 3) == .ask(2))
    }

    @Test func aQuestionThatTakesTooLongIsGivenUpAndItsLateAnswerIsNobodys() {
        var questions = SnapshotQuestions<Int>()
        #expect(questions.add(1, at: 0) == .ask(1))
        #expect(questions.expire(at: SnapshotQuestions<Int>.timeout - 1) == [])
        #expect(questions.expire(at: SnapshotQuestions<Int>.timeout) == [1])
        #expect(questions.add(2, at: 10) == .ask(2))
        #expect(questions.answered(1) == [])
        #expect(questions.answered(2) == [2])
    }

    @Test func noMoreWaitThanTheLimitAllows() {
        var questions = SnapshotQuestions<Int>()
        for number in 0..<SnapshotQuestions<Int>.limit { #expect(questions.add(number, at: 0) != .full) }
        #expect(questions.add(-1, at: 0) == .full)
    }
}

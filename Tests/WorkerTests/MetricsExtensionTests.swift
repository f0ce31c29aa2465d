@testable import Worker
import ControlProtocol
import Locks
import MusterABI
import Synchronization
import Testing

/// `muster.metrics/1` as a plugin uses it, through the table.
@Suite struct MetricsExtensionTests {
    /// An extension of its own, with what it logged.
    private final class Subject {
        let metrics: MetricsExtension
        let warnings = Locked<[String]>([])
        let table: UnsafePointer<muster_metrics>

        init(isControlThread: @escaping () -> Bool = { true }) throws {
            metrics = MetricsExtension(component: "A", isControlThread: isControlThread) { [warnings] line in
                warnings.withLock { $0.append(line) }
            }
            table = try #require(metrics.table)
        }

        func define(
            _ kind: muster_metric_kind = MUSTER_METRIC_COUNTER, _ name: String = "things_total",
            labels: [String] = [], buckets: [Double] = [], unit: String = "", help: String = "Things."
        ) -> (status: muster_status, metric: muster_metric_id, reason: String) {
            let texts = ([name, help, unit] + labels).map(StableText.init)
            defer { withExtendedLifetime(texts) {} }
            var spec = muster_metric_spec()
            spec.struct_size = UInt32(MemoryLayout<muster_metric_spec>.size)
            spec.abi_major = 1
            spec.kind = kind
            (spec.name, spec.help, spec.unit) = (texts[0].value, texts[1].value, texts[2].value)
            var metric: muster_metric_id = 0
            let (status, error) = ErrorMessage.during { error in
                texts.dropFirst(3).map(\.value).withUnsafeBufferPointer { labels in
                    buckets.withUnsafeBufferPointer { buckets in
                        (spec.labels, spec.label_count) = (labels.baseAddress, labels.count)
                        (spec.buckets, spec.bucket_count) = (buckets.baseAddress, buckets.count)
                        return table.pointee.define?(table.pointee.context, &spec, &metric, error) ?? MUSTER_UNSUPPORTED
                    }
                }
            }
            return (status, metric, error.message ?? "")
        }

        func series(_ metric: muster_metric_id, _ values: [String] = []) -> (muster_status, muster_series_id) {
            let texts = values.map(StableText.init)
            defer { withExtendedLifetime(texts) {} }
            var series: muster_series_id = 0
            let values = texts.map(\.value)
            let status = table.pointee.series?(table.pointee.context, metric, values, values.count, &series)
            return (status ?? MUSTER_UNSUPPORTED, series)
        }

        func add(_ series: muster_series_id, _ amount: Double) -> muster_status? {
            table.pointee.add?(table.pointee.context, series, amount)
        }

        func set(_ series: muster_series_id, _ value: Double) -> muster_status? {
            table.pointee.set?(table.pointee.context, series, value)
        }

        func observe(_ series: muster_series_id, _ value: Double) -> muster_status? {
            table.pointee.observe?(table.pointee.context, series, value)
        }
    }

    @Test func whatIsCountedIsReportedOnceAndThenOnlyWhatChanged() throws {
        let subject = try Subject()
        let counter = subject.define(labels: ["kind"]).metric
        let (_, one) = subject.series(counter, ["one"])
        let (_, two) = subject.series(counter, ["two"])
        #expect(one != two && subject.series(counter, ["one"]) == (MUSTER_OK, one))
        #expect(subject.add(one, 1.5) == MUSTER_OK)
        let first = try #require(subject.metrics.takeReport())
        #expect(first.component == "A")
        #expect(first.metrics.map(\.definition.name) == ["things_total"])
        #expect(first.series.map(\.labels) == [["one"], ["two"]])
        #expect(first.values.map(\.numbers) == [[1.5], [0]])
        #expect(subject.metrics.takeReport() == nil)
        #expect(subject.add(two, 1) == MUSTER_OK)
        let second = try #require(subject.metrics.takeReport())
        #expect(second.metrics.isEmpty && second.series.isEmpty)
        #expect(second.values == [.init(series: UInt32(two), numbers: [1])])
    }

    @Test func gaugesGoUpAndDownAndHistogramsCountBySize() throws {
        let subject = try Subject()
        let (_, gauge) = subject.series(subject.define(MUSTER_METRIC_GAUGE, "level").metric)
        let (_, histogram) = subject.series(
            subject.define(MUSTER_METRIC_HISTOGRAM, "size_bytes", buckets: [1, 10], unit: "bytes").metric)
        #expect(subject.set(gauge, 5) == MUSTER_OK && subject.add(gauge, -7) == MUSTER_OK)
        for value in [-1, 1, 1.5, 10, 11] { #expect(subject.observe(histogram, value) == MUSTER_OK) }
        let report = try #require(subject.metrics.takeReport())
        #expect(report.values.map(\.numbers) == [[-2], [22.5, 2, 2, 1]])
        // Without buckets of its own it gets the host's.
        #expect(subject.define(MUSTER_METRIC_HISTOGRAM, "wait_seconds", unit: "seconds").status == MUSTER_OK)
        #expect(subject.metrics.takeReport()?.metrics.first?.definition.bounds.count == 11)
    }

    @Test func wrongUseIsAnAnswer() throws {
        let subject = try Subject()
        let (_, counter) = subject.series(subject.define().metric)
        let (_, gauge) = subject.series(subject.define(MUSTER_METRIC_GAUGE, "level").metric)
        let (_, histogram) = subject.series(subject.define(MUSTER_METRIC_HISTOGRAM, "sizes").metric)
        #expect(subject.add(counter, -1) == MUSTER_INVALID)
        for series in [counter, gauge] {
            for number in [Double.nan, .infinity, -.infinity] { #expect(subject.add(series, number) == MUSTER_INVALID) }
            #expect(subject.observe(series, 1) == MUSTER_INVALID)
        }
        #expect(subject.set(counter, 1) == MUSTER_INVALID && subject.set(gauge, .nan) == MUSTER_INVALID)
        #expect(subject.add(histogram, 1) == MUSTER_INVALID && subject.observe(histogram, .nan) == MUSTER_INVALID)
        for number in [0, 4, 2001, UInt64.max] { #expect(subject.add(number, 1) == MUSTER_INVALID) }
        #expect(subject.series(0).0 == MUSTER_INVALID && subject.series(99).0 == MUSTER_INVALID)
        #expect(subject.series(1, ["too many"]).0 == MUSTER_INVALID)
        let table = subject.table.pointee
        #expect(table.define?(table.context, nil, nil, nil) == MUSTER_INVALID)
        #expect(table.series?(table.context, 1, nil, 3, nil) == MUSTER_INVALID)
        var id: muster_series_id = 0
        #expect(table.series?(table.context, 1, nil, -1, &id) == MUSTER_INVALID)
        #expect(table.add?(nil, 1, 1) == MUSTER_INVALID)
        var small = muster_metric_spec()
        small.struct_size = 8
        #expect(table.define?(table.context, &small, &id, nil) == MUSTER_INVALID)
    }

    @Test(arguments: [
        ("1things_total", "letters, digits"), ("th:ings_total", "letters, digits"),
        ("muster_things_total", "the host's"),
        ("things", "ends in _total"), ("_total", "letters, digits"), ("things_count_total", "_count"),
        ("things_bucket_total", "_bucket"), ("th\u{ED}ngs_total", "letters, digits"), ("", "letters, digits"),
    ])
    func aNameThatPrometheusWouldMisreadIsRefusedWithAReason(name: String, reason: String) throws {
        let made = try Subject().define(MUSTER_METRIC_COUNTER, name)
        #expect(made.status == MUSTER_INVALID && made.metric == 0)
        #expect(made.reason.contains(reason), "\(made.reason)")
    }

    @Test func labelsBucketsUnitAndHelpAreHeldToTheRules() throws {
        let subject = try Subject()
        func status(
            _ kind: muster_metric_kind = MUSTER_METRIC_HISTOGRAM, _ name: String = "sizes", labels: [String] = [],
            buckets: [Double] = [], unit: String = "", help: String = "Help."
        ) -> muster_status {
            subject.define(kind, name, labels: labels, buckets: buckets, unit: unit, help: help).status
        }
        for labels in [
            ["le"], ["component"], ["quantile"], ["a", "a"], ["a b"], ["__a"], Array(repeating: "a", count: 9),
        ] {
            #expect(status(labels: labels) == MUSTER_INVALID, "\(labels)")
        }
        for buckets in [[1, 1], [2, 1], [.nan], [1, .infinity], Array(stride(from: 0.0, to: 33, by: 1))] {
            #expect(status(buckets: buckets) == MUSTER_INVALID, "\(buckets)")
        }
        #expect(status(MUSTER_METRIC_GAUGE, "level", buckets: [1]) == MUSTER_INVALID)
        #expect(status(MUSTER_METRIC_GAUGE, "level_total") == MUSTER_INVALID)
        #expect(status(unit: "seconds") == MUSTER_INVALID)
        #expect(status(help: "") == MUSTER_INVALID)
        #expect(status(4, "level") == MUSTER_INVALID)
        #expect(subject.metrics.takeReport() == nil)
    }

    @Test func theSameSpecAgainIsTheSameMetricAndAnotherOneIsRefused() throws {
        let subject = try Subject()
        let first = subject.define(labels: ["kind"])
        #expect(subject.define(labels: ["kind"]).metric == first.metric)
        #expect(subject.define(labels: ["sort"]).status == MUSTER_INVALID)
        // OpenMetrics knows a counter by its name without the ending.
        #expect(subject.define(MUSTER_METRIC_GAUGE, "things").reason.contains("defined already"))
    }

    @Test func boundsAreKeptAndToldOnce() throws {
        let subject = try Subject()
        let metric = subject.define(labels: ["n"]).metric
        for number in 0..<MetricLimits.series { #expect(subject.series(metric, ["\(number)"]).0 == MUSTER_OK) }
        for number in 0..<3 { #expect(subject.series(metric, ["x\(number)"]).0 == MUSTER_BUSY) }
        #expect(subject.series(metric, ["7"]).0 == MUSTER_OK)
        for number in 1..<MetricLimits.metrics {
            #expect(subject.define(MUSTER_METRIC_GAUGE, "g\(number)").status == MUSTER_OK)
        }
        #expect(subject.define(MUSTER_METRIC_GAUGE, "one_more").status == MUSTER_BUSY)
        #expect(subject.warnings.withLock { $0 }.count == 1)
        #expect(subject.warnings.withLock { $0 }.first?.contains("2000 series") == true)
        let limit = String(repeating: "\u{E4}", count: MetricLimits.text / 2)
        #expect(subject.series(metric, [limit + "x"]).0 == MUSTER_INVALID)
    }

    @Test func definingIsForTheControlThreadAndUntilStop() throws {
        let elsewhere = try Subject(isControlThread: { false })
        #expect(elsewhere.define().status == MUSTER_WRONG_STATE)
        let subject = try Subject()
        let metric = subject.define(labels: ["kind"]).metric
        let (_, series) = subject.series(metric, ["a"])
        subject.metrics.stop()
        #expect(subject.define(MUSTER_METRIC_GAUGE, "level").status == MUSTER_WRONG_STATE)
        #expect(subject.series(metric, ["b"]).0 == MUSTER_WRONG_STATE)
        // A thread that comes late does no harm.
        #expect(subject.add(series, 1) == MUSTER_OK)
    }

    @Test func nothingIsLostWhereManyThreadsCount() throws {
        let subject = try Subject()
        let (_, counter) = subject.series(subject.define().metric)
        let (_, histogram) = subject.series(subject.define(MUSTER_METRIC_HISTOGRAM, "sizes", buckets: [0.5]).metric)
        let metrics = subject.metrics
        let threads = try (0..<4).map { _ in
            try WorkerThread(name: "counter") {
                guard let table = metrics.table?.pointee else { return }
                for _ in 0..<10_000 {
                    _ = table.add?(table.context, counter, 0.5)
                    _ = table.observe?(table.context, histogram, 1)
                }
            }
        }
        for thread in threads { thread.join() }
        let values = try #require(subject.metrics.takeReport()).values
        #expect(values.map(\.numbers) == [[20_000], [40_000, 0, 40_000]])
    }

    @Test func whatDoesNotFitOneReportComesWithTheNext() throws {
        var register = MetricsRegister()
        let definition = MetricDefinition(
            kind: .gauge, name: "level", help: "Levels.", unit: "", labels: ["n"], bounds: [])
        let metric = try register.define(definition)
        for number in 0..<500 {
            #expect(try register.series(of: UInt64(metric), labels: ["\(number)"]).series.set(Double(number)))
        }
        var seen: [UInt32: Double] = [:]
        var reports = 0
        while let report = register.takeReport(component: "A", limit: 4096) {
            reports += 1
            #expect(try EncodedFrame(WorkerReport.metrics(report)).bytes.count < 16_384)
            for value in report.values { seen[value.series] = value.numbers.first }
        }
        #expect(reports > 5 && seen.count == 500)
        #expect(seen.allSatisfy { $0.value == Double($0.key - 1) })
        register.reportAgain()
        #expect(register.takeReport(component: "A", limit: 4096)?.metrics.count == 1)
    }

    @Test func aNumberThatNoDoubleHoldsStaysAtTheGreatest() throws {
        let subject = try Subject()
        let (_, counter) = subject.series(subject.define().metric)
        for _ in 0..<3 { #expect(subject.add(counter, .greatestFiniteMagnitude) == MUSTER_OK) }
        let report = try #require(subject.metrics.takeReport())
        #expect(report.values.map(\.numbers) == [[.greatestFiniteMagnitude]])
        _ = try EncodedFrame(WorkerReport.metrics(report))
    }

    @Test func aPluginFindsTheTableInItsHost() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        #expect(plugin.find(MUSTER_EXT_METRICS, as: muster_metrics.self)?.pointee.observe != nil)
        #expect(worker.stop() == .done)
    }
}

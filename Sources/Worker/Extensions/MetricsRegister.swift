internal import ControlProtocol

/// The metrics and series of one component, and what of them the supervisor knows already. Pure but for the series'
/// own numbers.
struct MetricsRegister {
    /// Bytes of one report, as an estimate: what does not fit comes with the next.
    static let reportSize = 256 << 10

    private struct Metric {
        var definition: MetricDefinition
        var isReported = false
        var series: [[String]: MetricSeries] = [:]
    }

    enum Refusal: Error {
        case invalid(String)
        /// A bound is reached.
        case full(String)
    }

    private var metrics: [Metric] = []
    private var byFamily: [String: Int] = [:]
    private var series: [MetricSeries] = []
    /// What was reported last of each series; nil: not even that it exists.
    private var reported: [[Double]?] = []
    /// Where the next report begins to look, so that none waits for ever.
    private var next = 0

    /// The number of the metric, which is new or was defined alike before.
    mutating func define(_ definition: MetricDefinition) throws(Refusal) -> UInt32 {
        if let problem = definition.problem { throw .invalid(problem) }
        if let known = byFamily[definition.familyName] {
            guard metrics[known].definition == definition else {
                throw .invalid("\(definition.name) is defined already, as something else")
            }
            return UInt32(known + 1)
        }
        guard metrics.count < MetricLimits.metrics else {
            throw .full("it has \(MetricLimits.metrics) metrics; \(definition.name) and what follows is not kept")
        }
        metrics.append(Metric(definition: definition))
        byFamily[definition.familyName] = metrics.count - 1
        return UInt32(metrics.count)
    }

    /// The series of these values, and whether it is new.
    mutating func series(
        of metric: UInt64, labels: [String]
    ) throws(Refusal) -> (series: MetricSeries, isNew: Bool) {
        guard metric >= 1, metric <= UInt64(metrics.count) else { throw .invalid("there is no such metric") }
        let index = Int(metric) - 1
        if let known = metrics[index].series[labels] { return (known, false) }
        let definition = metrics[index].definition
        guard labels.count == definition.labels.count else {
            throw .invalid("\(definition.name) has \(definition.labels.count) labels")
        }
        guard series.count < MetricLimits.series else {
            throw .full(
                "it has \(MetricLimits.series) series of metrics; a new one of \(definition.name) and what follows is "
                    + "not kept")
        }
        let made = MetricSeries(
            number: UInt32(series.count + 1), metric: UInt32(metric), definition: definition, labels: labels)
        metrics[index].series[labels] = made
        series.append(made)
        reported.append(nil)
        return (made, true)
    }

    /// What changed since the last report, as much as fits; nil: nothing.
    mutating func takeReport(component: String, limit: Int = reportSize) -> MetricsReport? {
        var report = MetricsReport(component: component)
        var room = limit
        reportMetrics(to: &report, &room)
        for _ in series.indices {
            guard room > 0 else { break }
            if next >= series.count { next = 0 }
            reportSeries(next, to: &report, &room)
            next += 1
        }
        return report.isEmpty ? nil : report
    }

    /// The last report did not reach the supervisor.
    mutating func reportAgain() {
        for index in metrics.indices { metrics[index].isReported = false }
        for index in reported.indices { reported[index] = nil }
    }

    private mutating func reportMetrics(to report: inout MetricsReport, _ room: inout Int) {
        for index in metrics.indices where !metrics[index].isReported && room > 0 {
            let definition = metrics[index].definition
            report.metrics.append(.init(number: UInt32(index + 1), definition: definition))
            metrics[index].isReported = true
            room -= 200 + definition.help.utf8.count + definition.labels.count * 32 + definition.bounds.count * 20
        }
    }

    private mutating func reportSeries(_ index: Int, to report: inout MetricsReport, _ room: inout Int) {
        let one = series[index]
        guard metrics[Int(one.metric) - 1].isReported else { return }
        let numbers = one.numbers
        guard reported[index] != numbers else { return }
        if reported[index] == nil {
            report.series.append(.init(number: one.number, metric: one.metric, labels: one.labels))
            room -= one.labels.reduce(60) { $0 + $1.utf8.count + 3 }
        }
        report.values.append(.init(series: one.number, numbers: numbers))
        reported[index] = numbers
        room -= 40 + numbers.count * 18
    }
}

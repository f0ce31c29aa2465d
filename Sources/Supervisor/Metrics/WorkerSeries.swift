import ControlProtocol

/// The metrics of one component as one worker has reported them. Nothing of a report is believed: what breaks a rule or
/// goes beyond a bound is passed over.
struct WorkerSeries {
    struct Series {
        var metric: UInt32
        var labels: [String]
        var numbers: [Double]
    }

    private(set) var metrics: [UInt32: MetricDefinition] = [:]
    private(set) var series: [UInt32: Series] = [:]

    mutating func take(_ report: MetricsReport) {
        for metric in report.metrics where metrics[metric.number] == nil {
            guard metrics.count < MetricLimits.metrics, metric.definition.problem == nil else { continue }
            metrics[metric.number] = metric.definition
        }
        for one in report.series where series[one.number] == nil {
            guard series.count < MetricLimits.series, let definition = metrics[one.metric],
                one.labels.count == definition.labels.count,
                one.labels.allSatisfy({ $0.utf8.count <= MetricLimits.text })
            else { continue }
            series[one.number] = Series(
                metric: one.metric, labels: one.labels,
                numbers: [Double](repeating: 0, count: definition.numberCount))
        }
        for value in report.values { take(value) }
    }

    private mutating func take(_ value: MetricsReport.Value) {
        guard let known = series[value.series], let definition = metrics[known.metric],
            value.numbers.count == definition.numberCount, value.numbers.allSatisfy(\.isFinite)
        else { return }
        switch definition.kind {
        case .gauge: series[value.series]?.numbers = value.numbers
        case .counter, .histogram:
            // Of a histogram the sum, which comes first, may shrink: observations may be below 0.
            series[value.series]?.numbers = zip(known.numbers, value.numbers).enumerated().map { index, pair in
                definition.kind == .histogram && index == 0 ? pair.1 : max(pair.0, pair.1)
            }
        }
    }
}

/// The metrics of one component, of one worker or of several, by name and by the labels' values.
struct SeriesTotals {
    private struct Family {
        var definition: MetricDefinition
        var series: [[String]: [Double]] = [:]
    }

    private var families: [String: Family] = [:]
    private var count = 0

    var isEmpty: Bool { families.isEmpty }

    /// Adds what a worker has counted. Where it defines a metric otherwise than those before it, those are forgotten.
    ///
    /// - Parameter gauges: whether its gauges count: those of the worker that serves.
    mutating func add(_ worker: WorkerSeries, gauges: Bool) {
        for definition in worker.metrics.values { adopt(definition) }
        for one in worker.series.values {
            guard let definition = worker.metrics[one.metric], gauges || definition.kind != .gauge else { continue }
            add(one.numbers, to: definition.name, one.labels)
        }
    }

    /// The same with what former workers counted, before that of any other.
    mutating func add(_ former: SeriesTotals) {
        for family in former.families.values {
            adopt(family.definition)
            for (labels, numbers) in family.series { add(numbers, to: family.definition.name, labels) }
        }
    }

    private mutating func adopt(_ definition: MetricDefinition) {
        if let known = families[definition.name], known.definition.counts(the: definition) {
            families[definition.name]?.definition = definition
            return
        }
        guard families[definition.name] != nil || families.count < MetricLimits.metrics else { return }
        count -= families[definition.name]?.series.count ?? 0
        families[definition.name] = Family(definition: definition)
    }

    private mutating func add(_ numbers: [Double], to name: String, _ labels: [String]) {
        guard let family = families[name], numbers.count == family.definition.numberCount else { return }
        if let known = family.series[labels] {
            families[name]?.series[labels] = zip(known, numbers).map { Self.sum($0, $1) }
        } else if count < MetricLimits.series {
            families[name]?.series[labels] = numbers
            count += 1
        }
    }

    /// Infinity could not be told in JSON.
    private static func sum(_ left: Double, _ right: Double) -> Double {
        let sum = left + right
        return sum.isFinite ? sum : sum < 0 ? -Double.greatestFiniteMagnitude : .greatestFiniteMagnitude
    }

    /// In the order of their names, each with its series in the order of their labels, so that one scrape looks like the
    /// next.
    var sorted: [MetricFamily] {
        families.values.sorted { $0.definition.name < $1.definition.name }.map { family in
            let series = family.series.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            return MetricFamily(
                definition: family.definition, series: series.map { .init(labels: $0.key, numbers: $0.value) })
        }
    }
}

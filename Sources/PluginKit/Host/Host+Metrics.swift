import MusterABI

/// A metric that grows only. Counting never fails and never blocks: what the host does not take is not counted.
public struct Counter: Sendable {
    let series: MetricSeries

    /// The same metric for these values of its labels, in their order.
    ///
    /// Takes a lock for a moment; keep the answer where it is wanted often. Values that come from outside make series
    /// without end: beyond 2,000 of a component the host takes no new ones.
    public func with(_ values: String...) -> Counter { Counter(series: series.with(values)) }

    /// - Parameter amount: not below 0.
    public func add(_ amount: Double = 1) { series.change { $0.add($0.context, $1, amount) } }
}

/// A metric that goes up and down.
public struct Gauge: Sendable {
    let series: MetricSeries

    /// The same metric for these values of its labels, as `Counter.with` has it.
    public func with(_ values: String...) -> Gauge { Gauge(series: series.with(values)) }

    public func set(_ value: Double) { series.change { $0.set($0.context, $1, value) } }

    public func add(_ amount: Double) { series.change { $0.add($0.context, $1, amount) } }
}

/// A metric that counts observations by size.
public struct Histogram: Sendable {
    let series: MetricSeries

    /// The same metric for these values of its labels, as `Counter.with` has it.
    public func with(_ values: String...) -> Histogram { Histogram(series: series.with(values)) }

    public func observe(_ value: Double) { series.change { $0.observe($0.context, $1, value) } }

    /// In seconds.
    public func observe(_ duration: Duration) { observe(duration / .seconds(1)) }
}

extension Host {
    /// Defines a counter. From init until stop, on the control thread; the rules of names are at `muster_metric_spec`.
    ///
    /// Throws where the host lacks `muster.metrics/1`, the name or another part breaks a rule, and beyond 256 metrics.
    /// - Parameters:
    ///   - name: what Prometheus sees, `inventory_items_total`; the host adds the label `component`.
    ///   - help: one line that ends with a full stop.
    ///   - unit: the base unit that the name ends in, before `_total`: `bytes`.
    public func counter(
        _ name: String, help: String, unit: String = "", labels: [String] = []
    ) throws(PluginError) -> Counter {
        Counter(series: try define(MUSTER_METRIC_COUNTER, name, help, unit, labels, []))
    }

    /// Defines a gauge; see `counter`.
    public func gauge(
        _ name: String, help: String, unit: String = "", labels: [String] = []
    ) throws(PluginError) -> Gauge {
        Gauge(series: try define(MUSTER_METRIC_GAUGE, name, help, unit, labels, []))
    }

    /// Defines a histogram; see `counter`.
    /// - Parameter buckets: upper bounds, ascending; none: those of the host, from 0.005 to 10.
    public func histogram(
        _ name: String, help: String, unit: String = "", labels: [String] = [], buckets: [Double] = []
    ) throws(PluginError) -> Histogram {
        Histogram(series: try define(MUSTER_METRIC_HISTOGRAM, name, help, unit, labels, buckets))
    }

    private func define(
        _ kind: muster_metric_kind, _ name: String, _ help: String, _ unit: String, _ labels: [String],
        _ buckets: [Double]
    ) throws(PluginError) -> MetricSeries {
        guard link.isOpen, let metrics = link.metrics else { throw .lacking(.metrics) }
        var error = muster_error.sized()
        var metric: muster_metric_id = 0
        // Names and values of labels travel as an array of texts; so do the three texts of the metric itself.
        let texts = TextPairs([(name, help), (unit, "")] + labels.map { ($0, "") }) {
            muster_field(key: $0, value: $1)
        }
        let status = withExtendedLifetime(texts) {
            var spec = muster_metric_spec.sized()
            spec.kind = kind
            spec.name = texts.pairs[0].key
            spec.help = texts.pairs[0].value
            spec.unit = texts.pairs[1].key
            return texts.pairs.dropFirst(2).map(\.key).withUnsafeBufferPointer { labels in
                buckets.withUnsafeBufferPointer { buckets in
                    (spec.labels, spec.label_count) = (labels.baseAddress, labels.count)
                    (spec.buckets, spec.bucket_count) = (buckets.baseAddress, buckets.count)
                    return metrics.define(metrics.context, &spec, &metric, &error)
                }
            }
        }
        guard status == MUSTER_OK else {
            throw PluginError(status: status, error: error, doing: "define the metric \(name)")
        }
        let whole = MetricSeries(link: link, metric: metric, series: 0)
        // Without labels there is the one series.
        return labels.isEmpty ? whole.with([]) : whole
    }
}

/// A metric, or one of its series: two numbers of the host's.
struct MetricSeries: Sendable {
    let link: HostLink
    let metric: muster_metric_id
    /// 0: none, because the metric has labels, or the host had no room for another.
    let series: muster_series_id

    func with(_ values: [String]) -> MetricSeries {
        guard link.isOpen, let metrics = link.metrics else { return self }
        var found: muster_series_id = 0
        let texts = TextPairs(values.map { ($0, "") }) { muster_field(key: $0, value: $1) }
        let status = withExtendedLifetime(texts) {
            texts.pairs.map(\.key).withUnsafeBufferPointer { values in
                metrics.series(metrics.context, metric, values.baseAddress, values.count, &found)
            }
        }
        return MetricSeries(link: link, metric: metric, series: status == MUSTER_OK ? found : 0)
    }

    func change(_ body: (MetricsFunctions, muster_series_id) -> muster_status) {
        guard series != 0, link.isOpen, let metrics = link.metrics else { return }
        _ = body(metrics, series)
    }
}

import MusterABI

struct FakeMetric {
    var kind: muster_metric_kind
    var name: String
    var unit: String
    var labels: [String]
    var buckets: [Double]
}

struct FakeSeries {
    var metric: Int
    var values: [String]
    /// A counter's or gauge's value; of a histogram what was observed.
    var numbers: [Double]
}

extension FakeHost {
    /// What a series stands at, or what was observed, in order; nil where there is no such series.
    public func metric(_ name: String, _ values: [String] = []) -> [Double]? {
        state.withLock { state in
            state.series.first { state.metrics[$0.metric].name == name && $0.values == values }?.numbers
        }
    }

    /// The metrics that were defined: kind, name, unit, labels and buckets.
    public var definedMetrics: [String] {
        state.withLock { state in
            state.metrics.map { "\($0.kind) \($0.name) \($0.unit) \($0.labels) \($0.buckets)" }
        }
    }

    /// Refuses what a real host refuses of the arguments themselves; of the rules of names it knows one.
    func makeMetrics() -> UnsafeMutablePointer<muster_metrics> {
        let table = memory.zeroed(muster_metrics.self)
        table.pointee.context = context
        table.pointee.define = { context, spec, metric, error in
            guard let spec = spec?.pointee, spec.struct_size >= UInt32(MUSTER_METRIC_SPEC_SIZE_1_0), let metric else {
                return MUSTER_INVALID
            }
            let labels = UnsafeBufferPointer(start: spec.labels, count: spec.label_count).map { String($0) }
            let made = FakeMetric(
                kind: spec.kind, name: String(spec.name), unit: String(spec.unit), labels: labels,
                buckets: Array(UnsafeBufferPointer(start: spec.buckets, count: spec.bucket_count)))
            guard (spec.kind == MUSTER_METRIC_COUNTER) == made.name.hasSuffix("_total"), spec.help.length > 0 else {
                guard let error else { return MUSTER_INVALID }
                withUnsafeMutableBytes(of: &error.pointee.message) { $0.copyBytes(from: "the name is wrong".utf8) }
                return MUSTER_INVALID
            }
            metric.pointee = FakeHost.of(context).state.withLock { state in
                state.metrics.append(made)
                return UInt64(state.metrics.count)
            }
            return MUSTER_OK
        }
        table.pointee.series = { context, metric, values, count, series in
            let values = UnsafeBufferPointer(start: values, count: count).map { String($0) }
            return FakeHost.of(context).state.withLock { state in
                guard metric >= 1, metric <= UInt64(state.metrics.count), let series,
                    state.metrics[Int(metric) - 1].labels.count == count
                else { return MUSTER_INVALID }
                let known = state.series.firstIndex { $0.metric == Int(metric) - 1 && $0.values == values }
                guard known != nil || state.series.count < state.seriesRoom else { return MUSTER_BUSY }
                if known == nil {
                    let isHistogram = state.metrics[Int(metric) - 1].kind == MUSTER_METRIC_HISTOGRAM
                    state.series.append(
                        FakeSeries(metric: Int(metric) - 1, values: values, numbers: isHistogram ? [] : [0]))
                }
                series.pointee = UInt64((known ?? state.series.count - 1) + 1)
                return MUSTER_OK
            }
        }
        table.pointee.add = { FakeHost.of($0).change($1, $2) { $0[0] += $1 } }
        table.pointee.set = { FakeHost.of($0).change($1, $2) { $0[0] = $1 } }
        table.pointee.observe = { FakeHost.of($0).change($1, $2) { $0.append($1) } }
        return table
    }

    /// From now on a component may have this many series.
    public func limitSeries(to count: Int) { state.withLock { $0.seriesRoom = count } }

    private func change(_ series: UInt64, _ number: Double, _ body: (inout [Double], Double) -> Void) -> muster_status {
        state.withLock { state in
            guard series >= 1, series <= UInt64(state.series.count) else { return MUSTER_INVALID }
            body(&state.series[Int(series) - 1].numbers, number)
            return MUSTER_OK
        }
    }
}

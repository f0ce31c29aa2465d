internal import ControlProtocol
internal import Locks
internal import MusterABI
internal import Synchronization

/// `muster.metrics/1` of one component.
final class MetricsExtension: @unchecked Sendable {
    // Safe to share: the table and the slots' address are constant; a slot is written once, atomically; what changes
    // beside is behind a lock.

    private struct State {
        var register = MetricsRegister()
        var hasStopped = false
        /// That a bound was reached has been said, of metrics and of series.
        var hasWarned = false
    }

    private let component: String
    private let isControlThread: () -> Bool
    private let warn: (String) -> Void
    private let state = Locked(State())
    /// The series by number, from 1: their addresses, 0 where there is none yet. Those who count find theirs here; the
    /// register keeps them.
    private let slots: UnsafeMutablePointer<Atomic<UInt>>
    private var storage: TableStorage<muster_metrics>?

    /// - Parameters:
    ///   - isControlThread: whether the caller is on it.
    ///   - warn: writes a line to the component's log; from any thread.
    init(component: String, isControlThread: @escaping () -> Bool, warn: @escaping @Sendable (String) -> Void) {
        self.component = component
        self.isControlThread = isControlThread
        self.warn = warn
        slots = .allocate(capacity: MetricLimits.series)
        for index in 0..<MetricLimits.series { (slots + index).initialize(to: Atomic(0)) }
        storage = TableStorage(makeTable())
    }

    deinit {
        slots.deinitialize(count: MetricLimits.series)
        slots.deallocate()
    }

    var table: UnsafePointer<muster_metrics>? { storage?.pointer }

    /// What changed since the last report; nil: nothing. [any thread]
    func takeReport() -> MetricsReport? {
        let component = component
        return state.withLock { $0.register.takeReport(component: component) }
    }

    /// The last report did not reach the supervisor. [any thread]
    func reportAgain() { state.withLock { $0.register.reportAgain() } }

    /// Takes no new metric and no new series.
    func stop() { state.withLock { $0.hasStopped = true } }

    // MARK: The table

    private func makeTable() -> muster_metrics {
        var table = muster_metrics()
        table.struct_size = UInt32(MemoryLayout<muster_metrics>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.define = { context, spec, metric, error in
            MetricsExtension.at(context)?.define(spec, metric, error) ?? MUSTER_INVALID
        }
        table.series = { context, metric, values, count, series in
            MetricsExtension.at(context)?.series(metric, values, count, series) ?? MUSTER_INVALID
        }
        table.add = { context, series, amount in
            MetricsExtension.at(context)?.change(series) { $0.add(amount) } ?? MUSTER_INVALID
        }
        table.set = { context, series, value in
            MetricsExtension.at(context)?.change(series) { $0.set(value) } ?? MUSTER_INVALID
        }
        table.observe = { context, series, value in
            MetricsExtension.at(context)?.change(series) { $0.observe(value) } ?? MUSTER_INVALID
        }
        return table
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> MetricsExtension? {
        context.map { Unmanaged<MetricsExtension>.fromOpaque($0).takeUnretainedValue() }
    }

    private func define(
        _ spec: UnsafePointer<muster_metric_spec>?, _ metric: UnsafeMutablePointer<muster_metric_id>?,
        _ error: UnsafeMutablePointer<muster_error>?
    ) -> muster_status {
        guard isControlThread() else {
            ErrorMessage.write("metrics are defined on the control thread", to: error)
            return MUSTER_WRONG_STATE
        }
        guard let spec = spec?.read(atLeast: Int(MUSTER_METRIC_SPEC_SIZE_1_0)), let metric,
            let definition = MetricDefinition(spec)
        else {
            let reason = "a muster_metric_spec is NULL, too small, of an unknown kind, or holds what is no short UTF-8"
            ErrorMessage.write(reason, to: error)
            return MUSTER_INVALID
        }
        return answer(error) { state throws(MetricsRegister.Refusal) in
            metric.pointee = muster_metric_id(try state.register.define(definition))
        }
    }

    private func series(
        _ metric: muster_metric_id, _ values: UnsafePointer<muster_string>?, _ count: Int,
        _ series: UnsafeMutablePointer<muster_series_id>?
    ) -> muster_status {
        guard let series, let labels = Self.texts(values, count) else { return MUSTER_INVALID }
        return answer(nil) { state throws(MetricsRegister.Refusal) in
            let (found, isNew) = try state.register.series(of: metric, labels: labels)
            if isNew { publish(found) }
            series.pointee = muster_series_id(found.number)
        }
    }

    /// Puts a series where those who count find it.
    private func publish(_ series: MetricSeries) {
        let address = UInt(bitPattern: Unmanaged.passUnretained(series).toOpaque())
        slots[Int(series.number) - 1].store(address, ordering: .releasing)
    }

    private func change(_ series: muster_series_id, _ body: (MetricSeries) -> Bool) -> muster_status {
        guard series >= 1, series <= UInt64(MetricLimits.series) else { return MUSTER_INVALID }
        let address = slots[Int(series) - 1].load(ordering: .acquiring)
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return MUSTER_INVALID }
        return Unmanaged<MetricSeries>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body) ? MUSTER_OK : MUSTER_INVALID
    }

    /// Runs `body` under the lock and makes its refusal a status; the first bound that is reached is logged.
    private func answer(
        _ error: UnsafeMutablePointer<muster_error>?, _ body: (inout State) throws(MetricsRegister.Refusal) -> Void
    ) -> muster_status {
        let (status, reason, isFirst) = state.withLock { state -> (muster_status, String, Bool) in
            guard !state.hasStopped else { return (MUSTER_WRONG_STATE, "the component has been stopped", false) }
            do throws(MetricsRegister.Refusal) {
                try body(&state)
                return (MUSTER_OK, "", false)
            } catch {
                switch error {
                case .invalid(let reason): return (MUSTER_INVALID, reason, false)
                case .full(let reason):
                    defer { state.hasWarned = true }
                    return (MUSTER_BUSY, reason, !state.hasWarned)
                }
            }
        }
        if isFirst { warn(reason) }
        if status != MUSTER_OK { ErrorMessage.write(reason, to: error) }
        return status
    }

    /// nil where there are too many, or one is too long or not UTF-8.
    fileprivate static func texts(_ strings: UnsafePointer<muster_string>?, _ count: Int) -> [String]? {
        guard count != 0 else { return [] }
        guard let strings, (1...MetricLimits.labels).contains(count) else { return nil }
        let texts = UnsafeBufferPointer(start: strings, count: count).compactMap { $0.text(limit: MetricLimits.text) }
        return texts.count == count ? texts : nil
    }
}

extension MetricDefinition {
    /// Reads the plugin's structure; nil where it cannot be read. Whether it keeps the rules is another question.
    fileprivate init?(_ spec: muster_metric_spec) {
        let kinds: [muster_metric_kind: Kind] = [
            MUSTER_METRIC_COUNTER: .counter, MUSTER_METRIC_GAUGE: .gauge, MUSTER_METRIC_HISTOGRAM: .histogram,
        ]
        guard let kind = kinds[spec.kind], let name = spec.name.text(limit: MetricLimits.text),
            let help = spec.help.text(limit: MetricLimits.help), let unit = spec.unit.text(limit: MetricLimits.text),
            let labels = MetricsExtension.texts(spec.labels, spec.label_count)
        else { return nil }
        var bounds: [Double] = kind == .histogram ? Self.usualBounds : []
        if spec.bucket_count != 0 {
            guard let buckets = spec.buckets, (1...MetricLimits.bounds).contains(spec.bucket_count) else { return nil }
            bounds = Array(UnsafeBufferPointer(start: buckets, count: spec.bucket_count))
        }
        self.init(kind: kind, name: name, help: help, unit: unit, labels: labels, bounds: bounds)
    }

    /// Of Prometheus' client libraries: seconds that a person or a request takes.
    private static let usualBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
}

import ControlProtocol

/// What workers have counted, those that have ended included: what Prometheus sees must not go backwards when a worker
/// is replaced. Pure; the driver tells it what comes and goes.
///
/// Totals belong to a component's name and last as long as the configuration has it. A worker that is killed takes at
/// most what it counted since its last report, a second before, with it.
struct MetricsLedger {
    /// Listeners of one component: what a manifest may have.
    static let listenerLimit = 32

    /// A worker that lives.
    private struct Live {
        var unit: String
        var components: Set<String>
        var listeners: [String: [String: ListenerActivity]] = [:]
        var series: [String: WorkerSeries] = [:]
        var loopLag: UInt64 = 0
        var droppedLogLines: UInt64 = 0
    }

    /// What is left of workers that have ended, by component.
    private struct Ended {
        var listeners: [String: ListenerActivity] = [:]
        var series = SeriesTotals()
        var droppedLogLines: UInt64 = 0
        var processorSeconds = 0.0
    }

    private var live: [WorkerID: Live] = [:]
    private var ended: [String: Ended] = [:]
    /// The components of the configuration that runs.
    private var configured: Set<String> = []
    private var reloads: [ReloadReceipt.Result: UInt64] = [:]

    // MARK: What happens

    mutating func started(_ worker: WorkerID, unit: String, components: [String]) {
        live[worker] = Live(unit: unit, components: Set(components))
    }

    mutating func take(_ pulse: Pulse, of worker: WorkerID) {
        guard var state = live[worker] else { return }
        state.loopLag = pulse.loopLag
        state.droppedLogLines = max(state.droppedLogLines, pulse.droppedLogLines)
        for activity in pulse.listeners where state.components.contains(activity.component) {
            var known = state.listeners[activity.component] ?? [:]
            guard known[activity.listener] != nil || known.count < Self.listenerLimit else { continue }
            known[
                activity.listener,
                default: ListenerActivity(component: activity.component, listener: activity.listener)
            ].advance(to: activity)
            state.listeners[activity.component] = known
        }
        live[worker] = state
    }

    mutating func take(_ report: MetricsReport, of worker: WorkerID) {
        guard live[worker]?.components.contains(report.component) == true else { return }
        live[worker]?.series[report.component, default: WorkerSeries()].take(report)
    }

    /// - Parameter processorSeconds: what it has used in all.
    mutating func ended(_ worker: WorkerID, processorSeconds: Double) {
        guard let state = live.removeValue(forKey: worker) else { return }
        for component in state.components where configured.contains(component) {
            var sum = ended[component] ?? Ended()
            for (name, activity) in state.listeners[component] ?? [:] {
                guard sum.listeners[name] != nil || sum.listeners.count < Self.listenerLimit else { continue }
                sum.listeners[name, default: ListenerActivity(component: component, listener: name)]
                    .add(activity.ended)
            }
            if let series = state.series[component] { sum.series.add(series, gauges: false) }
            sum.droppedLogLines += state.droppedLogLines
            sum.processorSeconds += processorSeconds
            ended[component] = sum
        }
    }

    /// These are the components from now on.
    mutating func configure(_ components: Set<String>) {
        configured = components
        ended = ended.filter { components.contains($0.key) }
    }

    mutating func reloaded(_ receipt: ReloadReceipt) {
        if receipt.trigger != .start { reloads[receipt.result, default: 0] += 1 }
    }

    // MARK: What is told

    var reloadsByResult: [ReloadReceipt.Result: UInt64] {
        Dictionary(uniqueKeysWithValues: ReloadReceipt.Result.allCases.map { ($0, reloads[$0] ?? 0) })
    }

    /// What all workers of a component have done on a listener.
    func activity(of component: String, _ listener: String) -> ListenerActivity {
        var total = ListenerActivity(component: component, listener: listener)
        if let former = ended[component]?.listeners[listener] { total.add(former) }
        for state in live.values { if let one = state.listeners[component]?[listener] { total.add(one) } }
        return total
    }

    /// The plugin's metrics of a component.
    /// - Parameter current: the worker that serves it, whose gauges count.
    func families(of component: String, current: WorkerID?) -> [MetricFamily] {
        var total = ended[component]?.series ?? SeriesTotals()
        // The newest last: its definitions are what counts.
        for (worker, state) in live.sorted(by: { $0.key < $1.key }) {
            if let series = state.series[component] { total.add(series, gauges: worker == current) }
        }
        return total.sorted
    }

    func droppedLogLines(of component: String) -> UInt64 {
        live.values.filter { $0.components.contains(component) }
            .reduce(ended[component]?.droppedLogLines ?? 0) { $0 + $1.droppedLogLines }
    }

    /// Of those that have ended.
    func endedProcessorSeconds(of component: String) -> Double { ended[component]?.processorSeconds ?? 0 }

    func loopLag(of worker: WorkerID) -> UInt64 { live[worker]?.loopLag ?? 0 }

    /// The workers of a component, whatever they are up to.
    func workers(of component: String) -> [WorkerID] {
        live.filter { $0.value.components.contains(component) }.map(\.key).sorted()
    }
}

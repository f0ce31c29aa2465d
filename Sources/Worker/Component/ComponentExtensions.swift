internal import ControlProtocol
internal import MusterABI

/// Every extension of one component, each with its table, for as long as the component lives.
struct ComponentExtensions {
    let timers: TimerExtension
    let work: WorkExtension
    let bus: BusExtension
    let process: ProcessExtension
    let state: StateExtension
    let listener: ListenerExtension
    let metrics: MetricsExtension
    let http: any HTTPServing
    let httpClient: HTTPClientExtension

    /// The tables by id.
    var tables: [String: UnsafeRawPointer] {
        var all: [String: UnsafeRawPointer] = [:]
        func add(_ id: String, _ table: UnsafePointer<some Any>?) { all[id] = table.map { UnsafeRawPointer($0) } }
        add(HostExtensions.timer, timers.table)
        add(HostExtensions.work, work.table)
        add(HostExtensions.bus, bus.table)
        add(HostExtensions.process, process.table)
        add(HostExtensions.state, state.table)
        add(HostExtensions.listener, listener.table)
        add(HostExtensions.metrics, metrics.table)
        add(HostExtensions.httpServer, http.table)
        return all
    }

    /// The tables that are made when they are asked for: nil where that does not work on this machine.
    var lateTables: [String: @Sendable () -> UnsafeRawPointer?] {
        [HostExtensions.httpClient: { [httpClient] in httpClient.findTable().map { UnsafeRawPointer($0) } }]
    }

    /// Lets connections in.
    func startAccepting() {
        http.startAccepting()
        listener.startAccepting()
    }

    /// Leaves new connections in the backlog.
    func pauseAccepting() {
        http.pauseAccepting()
        listener.pauseAccepting()
    }

    /// After it nothing of the plugin's is called but its lifecycle. Blocks while work runs.
    func stop() {
        http.stopCallbacks()
        timers.stop()
        // Before the work, which may wait for a transfer.
        httpClient.stop()
        work.stop()
        bus.stop()
        metrics.stop()
    }
}

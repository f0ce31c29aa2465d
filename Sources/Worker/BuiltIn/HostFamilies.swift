internal import ControlProtocol
internal import MusterABI

/// A metric of the host's own: what docs/metrics.md says of it, and where its numbers are in a snapshot.
struct HostFamily: Sendable {
    typealias Values = (labels: [String], numbers: [Double])

    var name: String
    var kind: Exposition.Kind
    /// The names of its labels, in the order that the values have.
    var labels: [String]
    var help: String
    var values: @Sendable (MetricsSnapshot) -> [Values]

    /// One number for the whole host.
    static func host(
        _ name: String, _ kind: Exposition.Kind, _ help: String,
        _ value: @escaping @Sendable (MetricsSnapshot.Host) -> Double
    ) -> HostFamily {
        HostFamily(name: name, kind: kind, labels: [], help: help) { [([], [value($0.host)])] }
    }

    /// One number for each component.
    static func component(
        _ name: String, _ kind: Exposition.Kind, _ help: String,
        _ value: @escaping @Sendable (ComponentMetrics) -> Double
    ) -> HostFamily {
        HostFamily(name: name, kind: kind, labels: ["component"], help: help) { snapshot in
            snapshot.components.map { ([$0.name], [value($0)]) }
        }
    }

    /// One counter for each component that uses the bus, and each value of one more label.
    static func bus(
        _ name: String, label: String? = nil, _ help: String,
        _ values: @escaping @Sendable (BusActivity) -> [(label: String, number: UInt64)]
    ) -> HostFamily {
        HostFamily(name: name, kind: .counter, labels: ["component"] + (label.map { [$0] } ?? []), help: help) {
            $0.components.flatMap { component in
                (component.bus.map(values) ?? []).map { value in
                    ([component.name] + (label == nil ? [] : [value.label]), [Double(value.number)])
                }
            }
        }
    }

    /// One number for each listener and each value of one more label.
    static func listener(
        _ name: String, _ kind: Exposition.Kind, label: String? = nil, _ help: String,
        _ values: @escaping @Sendable (ComponentMetrics.Listener) -> [(label: String, number: Double)]
    ) -> HostFamily {
        let labels = ["component", "listener"] + (label.map { [$0] } ?? [])
        return HostFamily(name: name, kind: kind, labels: labels, help: help) { snapshot in
            ofListeners(snapshot) { component, listener in
                values(listener).map { value in
                    ([component, listener.name] + (label == nil ? [] : [value.label]), [value.number])
                }
            }
        }
    }

    fileprivate static func ofListeners(
        _ snapshot: MetricsSnapshot, _ body: (String, ComponentMetrics.Listener) -> [Values]
    ) -> [Values] {
        snapshot.components.flatMap { component in component.listeners.flatMap { body(component.name, $0) } }
    }
}

/// Every metric of the host's own, in the order of the answer.
enum HostFamilies {
    static let all: [HostFamily] = host + components + bus + listeners

    private static let host: [HostFamily] = [
        HostFamily(
            name: "muster_build_info", kind: .info, labels: ["version", "abi"],
            help: "The version of the host and of its plugin ABI; always 1."
        ) { [([$0.host.version, "\(MUSTER_ABI_MAJOR).\(MUSTER_ABI_MINOR)"], [1])] },
        .host("muster_generation", .gauge, "The generation that serves; each committed change makes a new one.") {
            Double($0.generation)
        },
        HostFamily(
            name: "muster_reloads_total", kind: .counter, labels: ["result"],
            help: "Reloads by how they ended: committed, unchanged, refused or rolled_back."
        ) { snapshot in
            ReloadReceipt.Result.allCases.map { result in
                let name = String(result.rawValue.map { $0 == " " ? "_" : $0 })
                return ([name], [Double(snapshot.host.reloads[result] ?? 0)])
            }
        },
        .host("muster_supervisor_start_time_seconds", .gauge, "When the host was started, in seconds since 1970.") {
            $0.startedAt
        },
        .host("muster_supervisor_cpu_seconds_total", .counter, "Processor time of the supervisor.") {
            $0.processorSeconds
        },
        .host("muster_supervisor_resident_bytes", .gauge, "Resident memory of the supervisor.") {
            Double($0.residentBytes)
        },
        .host("muster_supervisor_open_descriptors", .gauge, "Descriptors that the supervisor has open.") {
            Double($0.openDescriptors)
        },
    ]

    private static let components: [HostFamily] = [
        .component("muster_component_up", .gauge, "1 while a worker of the component serves, 0 while none does.") {
            $0.isUp ? 1 : 0
        },
        .component("muster_component_restarts_total", .counter, "Workers started again because one had died.") {
            Double($0.restarts)
        },
        .component(
            "muster_component_resident_bytes", .gauge,
            "Resident memory of the component's worker, and of older ones that still drain."
        ) { Double($0.residentBytes) },
        .component("muster_component_cpu_seconds_total", .counter, "Processor time of all the component's workers.") {
            $0.processorSeconds
        },
        .component(
            "muster_component_loop_lag_seconds", .gauge,
            "The longest an event loop of the worker was late in the last second."
        ) { $0.loopLagSeconds },
        .component(
            "muster_component_dropped_log_lines_total", .counter,
            "Log lines that were dropped because the component wrote them faster than they could be read."
        ) { Double($0.droppedLogLines) },
    ]

    private static let bus: [HostFamily] = [
        .bus("muster_component_bus_published_total", "Messages that the component published on the bus.") {
            [("", $0.published)]
        },
        .bus("muster_component_bus_delivered_total", "Messages of the bus that were handed to the component.") {
            [("", $0.delivered)]
        },
        .bus(
            "muster_component_bus_dropped_total",
            "Messages that did not reach the component, or its own that were too many."
        ) { [("", $0.dropped)] },
        .bus(
            "muster_component_bus_calls_total", label: "kind",
            "Calls over the bus: made by the component, served by it, or made and failed."
        ) { [("made", $0.callsMade), ("served", $0.callsServed), ("failed", $0.callsFailed)] },
    ]

    private static let listeners: [HostFamily] = [
        .listener("muster_listener_connections", .gauge, "Connections that are open.") {
            [("", Double($0.activity.connections))]
        },
        .listener("muster_listener_accepted_connections_total", .counter, "Connections that were accepted.") {
            [("", Double($0.activity.acceptedConnections))]
        },
        .listener(
            "muster_listener_requests_total", .counter, label: "code",
            "Requests that were answered, by the class of the answer's status: 2xx to 5xx."
        ) { listener in
            (2...5).map { digit in
                let counts = listener.activity.responsesByClass
                return ("\(digit)xx", Double(counts.indices.contains(digit - 1) ? counts[digit - 1] : 0))
            }
        },
        .listener("muster_listener_received_bytes_total", .counter, "Bytes of HTTP that were received.") {
            [("", Double($0.activity.receivedBytes))]
        },
        .listener("muster_listener_sent_bytes_total", .counter, "Bytes of HTTP that were sent.") {
            [("", Double($0.activity.sentBytes))]
        },
        HostFamily(
            name: "muster_listener_request_duration_seconds", kind: .histogram, labels: ["component", "listener"],
            help: "Time from a request's whole head to its answer being handed to the kernel."
        ) { snapshot in
            HostFamily.ofListeners(snapshot) { component, listener in
                let durations = listener.activity.durations
                return [
                    ([component, listener.name], [Double(durations.sum) / 1e9] + durations.counts.map { Double($0) })
                ]
            }
        },
        .listener(
            "muster_listener_tls_handshakes_total", .counter, label: "result",
            "TLS handshakes of https listeners: full, resumed (a former session taken up) or failed."
        ) { listener in
            guard listener.isTLS else { return [] }
            let activity = listener.activity
            return [
                ("full", Double(activity.fullHandshakes)), ("resumed", Double(activity.resumedHandshakes)),
                ("failed", Double(activity.failedHandshakes)),
            ]
        },
    ]
}

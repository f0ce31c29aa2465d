/// What changed in the metrics of one component since its last report. Numbers name metrics and series within one
/// worker; a series is told before its values, a metric before its series.
public struct MetricsReport: Codable, Equatable, Sendable {
    public struct Metric: Codable, Equatable, Sendable {
        public var number: UInt32
        public var definition: MetricDefinition

        public init(number: UInt32, definition: MetricDefinition) {
            self.number = number
            self.definition = definition
        }
    }

    public struct Series: Codable, Equatable, Sendable {
        public var number: UInt32
        public var metric: UInt32
        /// The values of the labels, in the definition's order.
        public var labels: [String]

        public init(number: UInt32, metric: UInt32, labels: [String]) {
            self.number = number
            self.metric = metric
            self.labels = labels
        }
    }

    /// Where a series stands now, since the worker's start.
    public struct Value: Codable, Equatable, Sendable {
        public var series: UInt32
        /// See `MetricDefinition.numberCount`.
        public var numbers: [Double]

        public init(series: UInt32, numbers: [Double]) {
            self.series = series
            self.numbers = numbers
        }
    }

    public var component: String
    public var metrics: [Metric]
    public var series: [Series]
    public var values: [Value]

    public init(component: String, metrics: [Metric] = [], series: [Series] = [], values: [Value] = []) {
        self.component = component
        self.metrics = metrics
        self.series = series
        self.values = values
    }

    public var isEmpty: Bool { metrics.isEmpty && series.isEmpty && values.isEmpty }
}

/// Everything that is exposed to Prometheus, as the supervisor knows it at one moment.
public struct MetricsSnapshot: Codable, Equatable, Sendable {
    /// The supervisor, and the host as a whole.
    public struct Host: Codable, Equatable, Sendable {
        public var version: String
        public var generation: UInt64
        /// Seconds since 1970.
        public var startedAt: Double
        public var residentBytes: UInt64
        public var processorSeconds: Double
        public var openDescriptors: Int
        /// Reloads by how they ended; every way is there.
        public var reloads: [ReloadReceipt.Result: UInt64]

        public init(
            version: String, generation: UInt64, startedAt: Double, residentBytes: UInt64, processorSeconds: Double,
            openDescriptors: Int, reloads: [ReloadReceipt.Result: UInt64]
        ) {
            self.version = version
            self.generation = generation
            self.startedAt = startedAt
            self.residentBytes = residentBytes
            self.processorSeconds = processorSeconds
            self.openDescriptors = openDescriptors
            self.reloads = reloads
        }
    }

    public var host: Host
    /// In the order of the status.
    public var components: [ComponentMetrics]

    public init(host: Host, components: [ComponentMetrics]) {
        self.host = host
        self.components = components
    }
}

/// One component in `MetricsSnapshot`. What grows counts all its workers, those that have ended included.
public struct ComponentMetrics: Codable, Equatable, Sendable {
    public struct Listener: Codable, Equatable, Sendable {
        public var name: String
        public var isTLS: Bool
        public var activity: ListenerActivity

        public init(name: String, isTLS: Bool, activity: ListenerActivity) {
            self.name = name
            self.isTLS = isTLS
            self.activity = activity
        }
    }

    public var name: String
    /// Its worker serves.
    public var isUp: Bool
    public var restarts: UInt64
    /// Of its worker, and of older ones that still drain.
    public var residentBytes: UInt64
    public var processorSeconds: Double
    public var loopLagSeconds: Double
    public var droppedLogLines: UInt64
    /// What it has done on the bus; nil where its plugin uses none.
    public var bus: BusActivity?
    /// Those that speak HTTP.
    public var listeners: [Listener]
    /// The plugin's own.
    public var families: [MetricFamily]

    public init(
        name: String, isUp: Bool, restarts: UInt64, residentBytes: UInt64, processorSeconds: Double,
        loopLagSeconds: Double, droppedLogLines: UInt64, bus: BusActivity? = nil, listeners: [Listener],
        families: [MetricFamily]
    ) {
        self.name = name
        self.isUp = isUp
        self.restarts = restarts
        self.residentBytes = residentBytes
        self.processorSeconds = processorSeconds
        self.loopLagSeconds = loopLagSeconds
        self.droppedLogLines = droppedLogLines
        self.bus = bus
        self.listeners = listeners
        self.families = families
    }
}

/// A metric of a plugin with all its series.
public struct MetricFamily: Codable, Equatable, Sendable {
    public struct Series: Codable, Equatable, Sendable {
        /// The values of the labels, in the definition's order.
        public var labels: [String]
        public var numbers: [Double]

        public init(labels: [String], numbers: [Double]) {
            self.labels = labels
            self.numbers = numbers
        }
    }

    public var definition: MetricDefinition
    public var series: [Series]

    public init(definition: MetricDefinition, series: [Series]) {
        self.definition = definition
        self.series = series
    }
}

/// What a client says of itself when it is polled. What could not be found out is nil.
public struct ClientStatus: Codable, Hashable, Sendable {
    public struct System: Codable, Hashable, Sendable {
        public var host: String
        /// `Debian GNU/Linux 12 (bookworm)`.
        public var os: String
        /// `linux`.
        public var family: String
        public var kernel: String
        /// `x86_64`.
        public var architecture: String
        public var bootedAt: Timestamp?

        public init(
            host: String, os: String, family: String, kernel: String, architecture: String, bootedAt: Timestamp?
        ) {
            self.host = host
            self.os = os
            self.family = family
            self.kernel = kernel
            self.architecture = architecture
            self.bootedAt = bootedAt
        }
    }

    public struct Definitions: Codable, Hashable, Sendable {
        public var version: String
        public var signatures: Int
        /// When they were made, or else their file changed.
        public var date: Timestamp?

        public init(version: String, signatures: Int, date: Timestamp?) {
            self.version = version
            self.signatures = signatures
            self.date = date
        }
    }

    public struct Sweep: Codable, Hashable, Sendable {
        public var finishedAt: Timestamp
        /// Everything was looked at that was to be.
        public var isComplete: Bool
        /// It began at the root of the file tree.
        public var isFull: Bool
        public var coverage: SweepCoverage
        public var detections: Int

        public init(
            finishedAt: Timestamp, isComplete: Bool, isFull: Bool, coverage: SweepCoverage, detections: Int
        ) {
            self.finishedAt = finishedAt
            self.isComplete = isComplete
            self.isFull = isFull
            self.coverage = coverage
            self.detections = detections
        }
    }

    public struct Disk: Codable, Hashable, Sendable {
        public var path: String
        /// Bytes; `free` is what is left for those who are not root.
        public var size: Int64
        public var free: Int64

        public init(path: String, size: Int64, free: Int64) {
            self.path = path
            self.size = size
            self.free = free
        }
    }

    public struct Component: Codable, Hashable, Sendable {
        public var name: String
        /// As `muster status` says it: `running`.
        public var state: String
        public var version: String
        public var restarts: Int

        public init(name: String, state: String, version: String, restarts: Int) {
            self.name = name
            self.state = state
            self.version = version
            self.restarts = restarts
        }
    }

    public var system: System
    /// Muster's.
    public var version: String
    public var definitions: Definitions?
    public var lastSweep: Sweep?
    /// Detections of the last sweep that nothing was done about.
    public var openDetections: Int
    public var disks: [Disk]
    public var components: [Component]

    public init(
        system: System, version: String, definitions: Definitions? = nil, lastSweep: Sweep? = nil,
        openDetections: Int = 0, disks: [Disk] = [], components: [Component] = []
    ) {
        self.system = system
        self.version = version
        self.definitions = definitions
        self.lastSweep = lastSweep
        self.openDetections = openDetections
        self.disks = disks
        self.components = components
    }
}

/// `POST /v1/heartbeat`: the client lives. Who it is says its certificate.
public struct Heartbeat: Codable, Hashable, Sendable {
    /// Which start of the client's component sends it.
    public var instance: String
    /// The kernel's (/proc/sys/kernel/random/boot_id).
    public var boot: String
    public var name: String
    /// Muster's.
    public var version: String
    /// By the client's clock.
    public var time: Timestamp
    /// Of the definitions; nil: none.
    public var definitions: String?
    /// Where the client's doorbells listen, by the kind of job; without an address: the connection's own.
    public var doorbells: [String: Doorbell]
    /// SHA-256 of the status, in hexadecimal.
    public var statusHash: String
    /// Sent where the server asked for it or the hash has changed.
    public var status: ClientStatus?

    public init(
        instance: String, boot: String, name: String, version: String, time: Timestamp, definitions: String? = nil,
        doorbells: [String: Doorbell] = [:], statusHash: String = "", status: ClientStatus? = nil
    ) {
        self.instance = instance
        self.boot = boot
        self.name = name
        self.version = version
        self.time = time
        self.definitions = definitions
        self.doorbells = doorbells
        self.statusHash = statusHash
        self.status = status
    }
}

/// Where "fetch your jobs now" is listened to.
public struct Doorbell: Codable, Hashable, Sendable {
    /// A name or number; nil: where the client's connections come from.
    public var address: String?
    public var port: Int

    public init(address: String? = nil, port: Int) {
        self.address = address
        self.port = port
    }
}

public struct HeartbeatAnswer: Codable, Hashable, Sendable {
    /// The server's clock.
    public var time: Timestamp
    /// Until the next heartbeat.
    public var intervalSeconds: Int
    /// 0 where the client's long poll is open: there it hears of them.
    public var jobsWaiting: Int
    /// The server has no status with that hash: send it with the next.
    public var wantsStatus: Bool
    /// The same identity is used by another machine: make a new key and renew at once.
    public var rekey: Bool

    public init(
        time: Timestamp, intervalSeconds: Int, jobsWaiting: Int = 0, wantsStatus: Bool = false, rekey: Bool = false
    ) {
        self.time = time
        self.intervalSeconds = intervalSeconds
        self.jobsWaiting = jobsWaiting
        self.wantsStatus = wantsStatus
        self.rekey = rekey
    }
}

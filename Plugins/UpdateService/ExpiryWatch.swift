import Locks
import PluginKit
import UpdateTrust

/// Says in the log when what is served is about to be refused by its clients, once for each step, and in the metrics how
/// long it is good.
final class ExpiryWatch: Sendable {
    /// Pure: which warning is due.
    enum Level: Int, Sendable, Comparable {
        case good, soon, verySoon, expired

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

        /// A timestamp and a snapshot are renewed by a machine each day or oftener, the others by people.
        init(_ role: String, secondsLeft: Int64) {
            let hour: Int64 = 3600
            let isAutomatic = role == RoleName.timestamp || role == RoleName.snapshot
            let (verySoon, soon) = isAutomatic ? (hour, 6 * hour) : (24 * hour, 7 * 24 * hour)
            switch secondsLeft {
            case ..<1: self = .expired
            case ..<verySoon: self = .verySoon
            case ..<soon: self = .soon
            default: self = .good
            }
        }
    }

    static let pause = Duration.seconds(60)

    private let host: Host
    private let repository: ServedRepository
    private let metrics: ServiceMetrics
    private let told = Locked<[String: Level]>([:])

    init(_ repository: ServedRepository, metrics: ServiceMetrics, host: Host) {
        self.repository = repository
        self.metrics = metrics
        self.host = host
    }

    /// Blocks: for the worker pool.
    func look(now: MetadataTime = .now()) {
        guard let read = try? repository.read() else { return }
        metrics.set(read, now: now)
        for role in read.roles {
            let level = Level(role.name, secondsLeft: role.expires.seconds - now.seconds)
            let isWorse = told.withLock { told in
                defer { told[role.name] = level }
                return level > told[role.name] ?? .good
            }
            guard isWorse else { continue }
            let fields: KeyValuePairs = [
                "role": role.name, "version": "\(role.version)", "expires": "\(role.expires)",
                "seconds_left": "\(role.expires.seconds - now.seconds)",
            ]
            if level == .expired {
                host.log.error(
                    "What is served has expired: clients refuse it until the publisher renews it and it is mirrored.",
                    fields)
            } else {
                host.log.warning("What is served expires soon, and clients refuse it then.", fields)
            }
        }
    }
}

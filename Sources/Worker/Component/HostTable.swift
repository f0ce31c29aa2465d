internal import ControlProtocol
internal import Locks
internal import MusterABI
internal import Synchronization

/// `muster_host` of one component: the core that every plugin gets. Its functions come from any thread.
final class HostTable: @unchecked Sendable {
    // Safe to share: the tables are made in init and only read from then on; the rest is safe by itself.

    /// What a component is told of where it runs.
    struct Facts {
        var component: String
        var generation: UInt64
        var loopCount: Int
    }

    private let component: String
    private let threshold: LogLevel
    private let link: SupervisorLink
    private let queue: ControlQueue
    /// By whole id; ids are ASCII.
    private let extensions: [String: UnsafeRawPointer]
    private let lateExtensions: [String: @Sendable () -> UnsafeRawPointer?]
    private let hasFailed = Atomic(false)
    private let allowance = Locked(LogAllowance(at: MonotonicTime.now))
    private let texts: [StableText]
    private let factsStorage: TableStorage<muster_host_facts>
    private var storage: TableStorage<muster_host>?

    /// - Parameters:
    ///   - extensions: tables by id, which outlive this object.
    ///   - lateExtensions: those that are made when they are asked for, each from any thread.
    init(
        _ facts: Facts, threshold: LogLevel, link: SupervisorLink, queue: ControlQueue,
        extensions: [String: UnsafeRawPointer], lateExtensions: [String: @Sendable () -> UnsafeRawPointer?] = [:]
    ) {
        component = facts.component
        self.threshold = threshold
        self.link = link
        self.queue = queue
        self.extensions = extensions
        self.lateExtensions = lateExtensions
        let version = StableText(HostVersion.current)
        let name = StableText(facts.component)
        texts = [version, name]
        var table = muster_host_facts()
        table.struct_size = UInt32(MemoryLayout<muster_host_facts>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.host_version = version.value
        table.component = name.value
        table.generation = facts.generation
        table.loop_count = UInt32(clamping: facts.loopCount)
        factsStorage = TableStorage(table)
        storage = TableStorage(makeTable())
    }

    /// For create; lives as long as this object.
    var pointer: UnsafePointer<muster_host>? { storage?.pointer }

    private func makeTable() -> muster_host {
        var table = muster_host()
        table.struct_size = UInt32(MemoryLayout<muster_host>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        // Unretained: the table ends with this object.
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.get_extension = { context, id in HostTable.at(context)?.findExtension(id) }
        table.log = { context, level, message, fields, count in
            HostTable.at(context)?.log(level, message, fields, count)
        }
        table.log_threshold = { context in
            HostTable.at(context).map { muster_log_level($0.threshold.severity) } ?? MUSTER_LOG_CRITICAL
        }
        table.facts = { context in HostTable.at(context)?.factsStorage.pointer }
        table.fail = { context, reason in HostTable.at(context)?.fail(reason) }
        return table
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> HostTable? {
        context.map { Unmanaged<HostTable>.fromOpaque($0).takeUnretainedValue() }
    }

    private func findExtension(_ id: muster_string) -> UnsafeRawPointer? {
        guard let id = id.text(limit: ManifestLimits.word), id.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        return extensions[id] ?? lateExtensions[id]?()
    }

    private func log(
        _ level: muster_log_level, _ message: muster_string, _ fields: UnsafePointer<muster_field>?, _ count: Int
    ) {
        // A level beyond those known is of a newer header: more than critical there is not.
        let level = LogLevel.allCases.dropFirst(Int(clamping: level)).first ?? .critical
        guard level >= threshold else { return }
        // Before anything is made of it: in a flood this is all that a line costs.
        let now = MonotonicTime.now
        guard allowance.withLock({ $0.take(at: now) }) else { return link.dropLogLine() }
        var record = LogRecord(
            component: component, level: level,
            message: message.repairedText(limit: LogLimits.message).escapingControls)
        if let fields, count > 0 {
            record.fields = UnsafeBufferPointer(start: fields, count: min(count, LogLimits.fields)).map { field in
                LogRecord.Field(
                    key: field.key.repairedText(limit: LogLimits.key).escapingControls,
                    value: field.value.repairedText(limit: LogLimits.value).escapingControls)
            }
        }
        link.log(record)
    }

    /// Once: what follows a failure is its consequence.
    private func fail(_ reason: muster_string) {
        guard !hasFailed.exchange(true, ordering: .relaxed) else { return }
        let text = reason.repairedText(limit: LogLimits.message).escapingControls
        queue.post(
            .componentFailed(
                component: component, reason: text.isEmpty ? "the plugin reported a failure and gave no reason" : text))
    }
}

/// How large one line of the log may be: bytes and numbers.
private enum LogLimits {
    static let message = 8192
    static let fields = 32
    static let key = 128
    static let value = 2048
}

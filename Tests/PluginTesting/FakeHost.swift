import Glibc
public import MusterABI

/// A host in memory: it fills the ABI's tables and drives one component through them, on the thread of the test.
///
/// Nothing runs by itself: queued work runs in `runWork`, timers fire in `fireTimers`, a full connection gets room in
/// `makeRoom`. So a test says what happens when, and needs no sleep.
public final class FakeHost: @unchecked Sendable {
    // Unchecked: tables and options are constant after init; what changes is in `state`, under its lock. The lifecycle
    // is driven by the one thread of a test.

    /// What a failed step said.
    public struct Failure: Error, Equatable, Sendable {
        public var status: muster_status
        public var message: String
        public var option: String

        public init(status: muster_status, message: String, option: String = "") {
            self.status = status
            self.message = message
            self.option = option
        }
    }

    public struct LogLine: Equatable, Sendable {
        public var level: muster_log_level
        public var message: String
        public var fields: [String: String]
    }

    struct Work {
        var item: muster_work_item
    }

    struct Timer {
        var id: muster_timer_id
        var options: muster_timer_options
    }

    struct State {
        var nextNumber: UInt64 = 1
        var exchanges: [UInt64: FakeExchange] = [:]
        var listeners: [String: UnsafePointer<muster_http_handler>] = [:]
        var rawListeners: [String: UnsafePointer<muster_listener_handler>] = [:]
        var work: [Work] = []
        var workRoom = 1024
        var timers: [Timer] = []
        var helpers: [FakeHelper] = []
        var helperRoom = 16
        var transfers: [HeldTransfer] = []
        var transferRefusal: muster_status?
        var logLines: [LogLine] = []
        var extensionsAsked: Set<String> = []
        var metrics: [FakeMetric] = []
        var series: [FakeSeries] = []
        var seriesRoom = 2000
        var failures: [String] = []
        var bus = FakeBus()
        var component: UnsafePointer<muster_component>?
        var facts = muster_host_facts()
    }

    public let manifest: UnsafePointer<muster_plugin>
    let memory = TableMemory()
    let state = Locked(State())
    let stateDirectory: String
    /// The component's table, from create to destroy.
    public var component: UnsafePointer<muster_component>? { state.withLock { $0.component } }
    fileprivate var host: UnsafeMutablePointer<muster_host>
    private var options: UnsafeMutablePointer<muster_options>
    private var extensions: [String: UnsafeRawPointer] = [:]
    private var values: [String: UnsafePointer<muster_value>] = [:]

    /// - Parameters:
    ///   - settings: what the operator wrote; defaults are not filled in.
    ///   - missing: ids of extensions that this host does not have.
    public init(
        _ manifest: UnsafePointer<muster_plugin>, settings: [String: Setting] = [:], missing: Set<String> = [],
        stateDirectory: String = "/nonexistent"
    ) {
        self.manifest = manifest
        self.stateDirectory = stateDirectory
        host = memory.zeroed(muster_host.self)
        options = memory.zeroed(muster_options.self)
        fillHost()
        values = settings.mapValues { memory.value($0) }
        options.pointee.context = context
        options.pointee.find = { context, name in
            FakeHost.of(context).values[String(name)]
        }
        for (id, table) in [
            (MUSTER_EXT_HTTP_SERVER, UnsafeRawPointer(makeServer())), (MUSTER_EXT_WORK, UnsafeRawPointer(makeWork())),
            (MUSTER_EXT_TIMER, UnsafeRawPointer(makeTimer())), (MUSTER_EXT_STATE, UnsafeRawPointer(makeState())),
            (MUSTER_EXT_LISTENER, UnsafeRawPointer(makeListener())), (MUSTER_EXT_BUS, UnsafeRawPointer(makeBus())),
            (MUSTER_EXT_PROCESS, UnsafeRawPointer(makeProcess())),
            (MUSTER_EXT_HTTP_CLIENT, UnsafeRawPointer(makeHTTPClient())),
            (MUSTER_EXT_METRICS, UnsafeRawPointer(makeMetrics())),
        ] where !missing.contains(id) {
            extensions[id] = table
        }
    }

    var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static func of(_ context: UnsafeMutableRawPointer?) -> FakeHost {
        guard let context else { preconditionFailure("the plugin lost the host's context") }
        return Unmanaged<FakeHost>.fromOpaque(context).takeUnretainedValue()
    }

    private func fillHost() {
        host.pointee.context = context
        host.pointee.get_extension = { context, id in
            let (host, id) = (FakeHost.of(context), String(id))
            host.state.withLock { _ = $0.extensionsAsked.insert(id) }
            return host.extensions[id]
        }
        host.pointee.log_threshold = { _ in MUSTER_LOG_DEBUG }
        host.pointee.log = { context, level, message, fields, count in
            let fields = UnsafeBufferPointer(start: fields, count: count).map { (String($0.key), String($0.value)) }
            let line = LogLine(
                level: level, message: String(message), fields: Dictionary(fields, uniquingKeysWith: { $1 }))
            FakeHost.of(context).state.withLock { $0.logLines.append(line) }
        }
        let facts = memory.zeroed(muster_host_facts.self)
        facts.pointee.host_version = memory.text("1.2.3")
        facts.pointee.component = memory.text("Tested")
        facts.pointee.generation = 7
        facts.pointee.loop_count = 2
        self.facts = facts
        host.pointee.facts = { FakeHost.of($0).facts.map { UnsafePointer($0) } }
        host.pointee.fail = { context, reason in
            FakeHost.of(context).state.withLock { $0.failures.append(String(reason)) }
        }
    }

    private var facts: UnsafeMutablePointer<muster_host_facts>?

    // MARK: What a test may break before create

    /// Changes the host's table.
    public func alterHost(_ change: (inout muster_host) -> Void) { change(&host.pointee) }

    /// Changes an extension's table.
    public func alter<Table>(_ id: String, _ type: Table.Type, _ change: (inout Table) -> Void) {
        guard let table = extensions[id] else { return }
        change(&UnsafeMutableRawPointer(mutating: table).assumingMemoryBound(to: Table.self).pointee)
    }

    public func alterOptions(_ change: (inout muster_options) -> Void) { change(&options.pointee) }

    // MARK: The lifecycle

    public func create() throws {
        var made: UnsafePointer<muster_component>?
        try check { error in
            manifest.pointee.create?(manifest.pointee.context, UnsafePointer(host), &made, error) ?? MUSTER_INVALID
        }
        state.withLock { $0.component = made }
    }

    public func prepare() throws {
        try step { $0.pointee.prepare?($0.pointee.context, UnsafePointer(options), $1) }
    }

    public func activate(state: [UInt8] = []) throws {
        try state.withUnsafeBufferPointer { state in
            let bytes = muster_bytes(data: state.baseAddress, length: state.count)
            try step { $0.pointee.activate?($0.pointee.context, bytes, $1) }
        }
    }

    public func quiesce(deadline: UInt64 = 0) throws {
        try step { $0.pointee.quiesce?($0.pointee.context, deadline, $1) }
    }

    /// Answers the state that the component wrote.
    public func release(capacity: Int = 8 << 20) throws -> [UInt8] {
        let received = Received(capacity: capacity)
        var sink = muster_sink()
        sink.struct_size = UInt32(MemoryLayout<muster_sink>.size)
        sink.abi_major = UInt16(MUSTER_ABI_MAJOR)
        sink.context = Unmanaged.passUnretained(received).toOpaque()
        sink.write = { context, bytes in
            guard let context else { return MUSTER_INVALID }
            let received = Unmanaged<Received>.fromOpaque(context).takeUnretainedValue()
            guard received.bytes.count + bytes.length <= received.capacity else { return MUSTER_BUSY }
            received.bytes += UnsafeBufferPointer(start: bytes.data, count: bytes.length)
            return MUSTER_OK
        }
        try step { $0.pointee.release?($0.pointee.context, &sink, $1) }
        return received.bytes
    }

    public func stop() { component.map { $0.pointee.stop?($0.pointee.context) } }

    /// `stop` on a thread of its own, as a worker does: it blocks until the component's tasks have ended, and would keep
    /// them from ending on a thread that they need.
    public func stopOnControlThread() async {
        await withCheckedContinuation { continuation in
            let call = Unmanaged.passRetained(
                ThreadCall { [self] in
                    stop()
                    continuation.resume()
                })
            var thread = pthread_t()
            let result = pthread_create(
                &thread, nil,
                { context in
                    context.map { Unmanaged<ThreadCall>.fromOpaque($0).takeRetainedValue().body() }
                    return nil
                }, call.toOpaque())
            precondition(result == 0, "no thread")
            pthread_detach(thread)
        }
    }

    private final class ThreadCall {
        let body: () -> Void

        init(_ body: @escaping () -> Void) { self.body = body }
    }

    public func destroy() {
        component.map { $0.pointee.destroy?($0.pointee.context) }
        state.withLock { $0.component = nil }
    }

    /// create, prepare and activate.
    public func start() throws {
        try create()
        try prepare()
        try activate()
    }

    private final class Received {
        let capacity: Int
        var bytes: [UInt8] = []

        init(capacity: Int) { self.capacity = capacity }
    }

    private func step(
        _ body: (UnsafePointer<muster_component>, UnsafeMutablePointer<muster_error>?) -> muster_status?
    ) throws {
        guard let component else { throw Failure(status: MUSTER_WRONG_STATE, message: "no component", option: "") }
        try check { body(component, $0) ?? MUSTER_INVALID }
    }

    private func check(_ body: (UnsafeMutablePointer<muster_error>) -> muster_status) throws {
        var error = muster_error()
        error.struct_size = UInt32(MemoryLayout<muster_error>.size)
        error.abi_major = UInt16(MUSTER_ABI_MAJOR)
        let status = body(&error)
        guard status != MUSTER_OK else { return }
        func text(_ bytes: UnsafeRawBufferPointer) -> String {
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        throw Failure(
            status: status, message: withUnsafeBytes(of: error.message, text),
            option: withUnsafeBytes(of: error.option, text))
    }

    public var logLines: [LogLine] { state.withLock { $0.logLines } }
    /// The ids that the component has looked for.
    public var extensionsAsked: Set<String> { state.withLock { $0.extensionsAsked } }
    public var failures: [String] { state.withLock { $0.failures } }
}

extension FakeHost {
    /// Lends the host's table, to those who test without a component.
    public func withHostTable(_ body: (UnsafePointer<muster_host>) -> Void) { body(UnsafePointer(host)) }
}

internal import ControlProtocol
internal import Locks
internal import MusterABI

/// `muster.process/1` of one component. The supervisor starts and watches the helpers; here is who waits for them.
final class ProcessExtension: @unchecked Sendable {
    // Safe to share: the table is made in init and only read from then on; what changes is behind a lock.

    /// Tells the supervisor something.
    typealias Report = @Sendable (WorkerReport) throws(ChannelError) -> Void

    /// What the plugin wants to be called. The host hands the context back and does nothing else with it, so it may be
    /// moved between threads.
    private struct Handler: @unchecked Sendable {
        var started: @convention(c) (UnsafeMutableRawPointer?, muster_process_id, Int32) -> Void
        var failed: @convention(c) (UnsafeMutableRawPointer?, muster_process_id, muster_string) -> Void
        var ended: @convention(c) (UnsafeMutableRawPointer?, muster_process_id, muster_process_ending, Int32) -> Void
        var context: UnsafeMutableRawPointer?

        init?(_ table: UnsafePointer<muster_process_handler>?) {
            guard let table = table?.read(atLeast: Int(MUSTER_PROCESS_HANDLER_SIZE_1_0)),
                let started = table.on_started, let failed = table.on_failed, let ended = table.on_ended
            else { return nil }
            (self.started, self.failed, self.ended) = (started, failed, ended)
            context = table.context
        }
    }

    private struct Helper {
        var handler: Handler
        /// on_started was called.
        var hasStarted = false
    }

    private struct State {
        var helpers: [UInt64: Helper] = [:]
        var lastNumber: UInt64 = 0
        var hasStopped = false
    }

    private let component: String
    private let names: Set<String>
    private let report: Report
    private let state = Locked(State())
    private var storage: TableStorage<muster_process>?

    /// - Parameter names: the helpers of the manifest.
    init(component: String, names: [String], report: @escaping Report) {
        self.component = component
        self.names = Set(names)
        self.report = report
        var table = muster_process()
        table.struct_size = UInt32(MemoryLayout<muster_process>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.start = { context, name, arguments, count, handler, process, error in
            ProcessExtension.at(context)?.start(name, (arguments, count), handler, process, error) ?? MUSTER_INVALID
        }
        table.end = { context, process, grace in ProcessExtension.at(context)?.end(process, grace) ?? MUSTER_INVALID }
        storage = TableStorage(table)
    }

    var table: UnsafePointer<muster_process>? { storage?.pointer }

    private static func at(_ context: UnsafeMutableRawPointer?) -> ProcessExtension? {
        context.map { Unmanaged<ProcessExtension>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: For the control thread

    /// Whether helpers run, or are being started.
    var isBusy: Bool { state.withLock { !$0.helpers.isEmpty } }

    /// Nothing is started any more; what runs is asked to end.
    func stop(grace: UInt64) {
        let numbers = state.withLock { state in
            state.hasStopped = true
            return state.helpers.keys.sorted()
        }
        for number in numbers { try? report(.helperEnd(component: component, number: number, grace: grace)) }
    }

    /// - Parameter socket: the component's end of its socket, the plugin's from here on; nil where this process has no
    ///   room for it.
    func started(_ number: UInt64, socket: CInt?) {
        guard let socket else {
            try? report(.helperEnd(component: component, number: number, grace: 0))
            failed(number, "this process has no descriptor left for the helper's socket")
            return
        }
        let handler = state.withLock { state in
            state.helpers[number]?.hasStarted = true
            return state.helpers[number]?.handler
        }
        handler?.started(handler?.context, number, socket)
    }

    func failed(_ number: UInt64, _ reason: String) {
        guard let helper = state.withLock({ $0.helpers.removeValue(forKey: number) }) else { return }
        guard !helper.hasStarted else { return end(helper, number, .signalled(Self.killSignal)) }
        let text = StableText(reason)
        withExtendedLifetime(text) { helper.handler.failed(helper.handler.context, number, text.value) }
    }

    func ended(_ number: UInt64, _ ending: HelperEnding) {
        guard let helper = state.withLock({ $0.helpers.removeValue(forKey: number) }) else { return }
        end(helper, number, ending)
    }

    /// Nobody will tell of those that are left: the supervisor has died, by which the kernel ends them, or it ends them
    /// with this process.
    func giveUp() {
        for number in state.withLock({ $0.helpers.keys.sorted() }) { failed(number, "the component is ending") }
    }

    private static let killSignal: Int32 = 9

    private func end(_ helper: Helper, _ number: UInt64, _ ending: HelperEnding) {
        switch ending {
        case .exited(let status): helper.handler.ended(helper.handler.context, number, MUSTER_PROCESS_EXITED, status)
        case .signalled(let signal):
            helper.handler.ended(helper.handler.context, number, MUSTER_PROCESS_SIGNALLED, signal)
        }
    }

    // MARK: For the plugin, on any thread

    private func start(
        _ name: muster_string, _ arguments: (start: UnsafePointer<muster_string>?, count: Int),
        _ handler: UnsafePointer<muster_process_handler>?, _ process: UnsafeMutablePointer<muster_process_id>?,
        _ reason: UnsafeMutablePointer<muster_error>?
    ) -> muster_status {
        func refuse(_ status: muster_status, _ sentence: String) -> muster_status {
            ErrorMessage.write(sentence, to: reason)
            return status
        }
        guard let name = name.text(limit: ManifestLimits.word), names.contains(name) else {
            return refuse(MUSTER_INVALID, "the manifest declares no process of this name")
        }
        guard let handler = Handler(handler) else {
            return refuse(MUSTER_INVALID, "the handler of '\(name)' is NULL, too small, or lacks a function")
        }
        guard let arguments = Self.texts(arguments.start, arguments.count), HelperLimits.allow(arguments) else {
            return refuse(
                MUSTER_INVALID,
                "the arguments of '\(name)' are not text without NUL, or more than \(HelperLimits.arguments) or "
                    + "\(HelperLimits.argumentBytes) bytes")
        }
        let (status, number) = state.withLock { state -> (muster_status, UInt64) in
            guard !state.hasStopped else { return (MUSTER_WRONG_STATE, 0) }
            guard state.helpers.count < HelperLimits.count else { return (MUSTER_BUSY, 0) }
            state.lastNumber += 1
            state.helpers[state.lastNumber] = Helper(handler: handler)
            return (MUSTER_OK, state.lastNumber)
        }
        guard status == MUSTER_OK else {
            return refuse(
                status,
                status == MUSTER_BUSY
                    ? "\(HelperLimits.count) helpers of the component run already" : "the component is ending")
        }
        // Before anybody can be told of it.
        process?.pointee = number
        do throws(ChannelError) {
            try report(
                .helperRequest(HelperRequest(component: component, number: number, name: name, arguments: arguments)))
            return MUSTER_OK
        } catch {
            state.withLock { _ = $0.helpers.removeValue(forKey: number) }
            return refuse(MUSTER_FAILED, "the supervisor cannot be asked for a helper: \(error)")
        }
    }

    private static func texts(_ start: UnsafePointer<muster_string>?, _ count: Int) -> [String]? {
        guard (0...HelperLimits.arguments).contains(count) else { return nil }
        guard count > 0 else { return [] }
        guard let start else { return nil }
        var texts: [String] = []
        for item in UnsafeBufferPointer(start: start, count: count) {
            guard let text = item.text(limit: HelperLimits.argumentBytes) else { return nil }
            texts.append(text)
        }
        return texts
    }

    private func end(_ number: muster_process_id, _ grace: UInt64) -> muster_status {
        guard state.withLock({ $0.helpers[number] != nil }) else { return MUSTER_GONE }
        do throws(ChannelError) {
            try report(.helperEnd(component: component, number: number, grace: grace))
            return MUSTER_OK
        } catch {
            return MUSTER_FAILED
        }
    }
}

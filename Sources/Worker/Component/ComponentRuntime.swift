internal import ControlProtocol
internal import FoundationEssentials
internal import MusterABI

/// One component in this worker: the plugin's table, what the host gave it, and the calls between them. Control thread
/// only.
///
/// The call itself may block for as long as `muster/core.h` allows; the supervisor has the deadlines. What a plugin gets
/// here lives until `destroy` has returned.
final class ComponentRuntime {
    let name: String
    let extensions: ComponentExtensions
    private let library: PluginLibrary
    private let host: HostTable
    private let options: OptionsTable
    private let sink = StateSink()
    private let stage: LifecycleStage
    /// Told before each call into the plugin.
    private let willCall: (WorkerFailure.Stage) -> Void
    private var table = muster_component()

    /// - Parameters:
    ///   - stage: shared with what has to know whether the component is in prepare.
    ///   - willCall: called before each call into the plugin, so that somebody knows where it was should it not return.
    init(
        name: String, library: PluginLibrary, options: OptionsTable, extensions: ComponentExtensions, host: HostTable,
        stage: LifecycleStage, willCall: @escaping (WorkerFailure.Stage) -> Void
    ) {
        self.name = name
        self.library = library
        self.options = options
        self.extensions = extensions
        self.host = host
        self.stage = stage
        self.willCall = willCall
    }

    var state: ComponentLifecycle.State { stage.lifecycle.state }

    /// The calls that bring it to its end in good order.
    var endingSteps: [ComponentLifecycle.Step] { stage.lifecycle.stepsToEnd }

    func create() throws(WorkerFailure) {
        var made: UnsafePointer<muster_component>?
        try call(.create, as: .create) { error in
            library.create(library.context, host.pointer, &made, error)
        } validate: { () throws(PluginProblem) in
            try adopt(made)
        }
    }

    func prepare() throws(WorkerFailure) {
        try call(.prepare, as: .prepare) { error in
            table.prepare?(table.context, options.pointer, error) ?? MUSTER_FAILED
        }
    }

    /// - Parameter state: what the former generation released; empty on a first start or after a crash.
    func activate(_ state: Data) throws(WorkerFailure) {
        extensions.bus.open()
        try call(.activate, as: .activate) { error in
            state.withUnsafeBytes { bytes in
                let start = bytes.bindMemory(to: UInt8.self).baseAddress
                let state = muster_bytes(data: bytes.isEmpty ? nil : start, length: bytes.count)
                return table.activate?(table.context, state, error) ?? MUSTER_FAILED
            }
        }
        extensions.timers.arm()
    }

    /// - Parameter deadline: CLOCK_MONOTONIC, nanoseconds.
    func quiesce(deadline: UInt64) throws(WorkerFailure) {
        try call(.quiesce, as: .quiesce) { error in
            table.quiesce?(table.context, deadline, error) ?? MUSTER_FAILED
        }
    }

    /// The state for the next generation.
    func release() throws(WorkerFailure) -> Data {
        var released = Data()
        try call(.release, as: .release) { error in
            let (status, data) = sink.collect { sink in
                table.release?(table.context, sink, error) ?? MUSTER_FAILED
            }
            released = data
            return status
        }
        return released
    }

    /// Ends the extensions' callbacks first, so that stop finds the plugin at rest.
    func stop() {
        guard stage.lifecycle.begin(.stop) else { return }
        willCall(.stop)
        extensions.stop()
        table.stop?(table.context)
        stage.lifecycle.end(succeeded: true)
    }

    func destroy() {
        guard stage.lifecycle.begin(.destroy) else { return }
        // For a component that was never prepared, stop has not done it.
        willCall(.destroy)
        extensions.stop()
        table.destroy?(table.context)
        stage.lifecycle.end(succeeded: true)
    }

    // MARK: Calling

    /// Makes one call of the lifecycle and turns what comes back into a failure that an operator can read.
    private func call(
        _ step: ComponentLifecycle.Step, as failureStage: WorkerFailure.Stage,
        _ body: (UnsafeMutablePointer<muster_error>) -> muster_status,
        validate: () throws(PluginProblem) -> Void = {}
    ) throws(WorkerFailure) {
        guard stage.lifecycle.begin(step) else {
            throw WorkerFailure(
                component: name, stage: failureStage,
                message: "the supervisor asked for \(step.rawValue) while the component was \(state)")
        }
        willCall(failureStage)
        let (status, error) = ErrorMessage.during(body)
        if status == MUSTER_OK {
            do throws(PluginProblem) {
                try validate()
                stage.lifecycle.end(succeeded: true)
                return
            } catch {
                stage.lifecycle.end(succeeded: false)
                throw WorkerFailure(
                    component: name, stage: failureStage, message: error.description, isConfiguration: true)
            }
        }
        stage.lifecycle.end(succeeded: false)
        let isDeclared = library.manifest.options.contains { $0.name == error.option }
        throw WorkerFailure(
            component: name, stage: failureStage,
            message: error.message?.escapingControls ?? Self.missingMessage(step, status),
            option: isDeclared ? error.option : nil,
            isConfiguration: status == MUSTER_CONFIGURATION)
    }

    private static func missingMessage(_ step: ComponentLifecycle.Step, _ status: muster_status) -> String {
        let word =
            switch status {
            case MUSTER_FAILED: "MUSTER_FAILED"
            case MUSTER_INVALID: "MUSTER_INVALID"
            case MUSTER_WRONG_STATE: "MUSTER_WRONG_STATE"
            case MUSTER_GONE: "MUSTER_GONE"
            case MUSTER_BUSY: "MUSTER_BUSY"
            case MUSTER_UNSUPPORTED: "MUSTER_UNSUPPORTED"
            case MUSTER_CONFIGURATION: "MUSTER_CONFIGURATION"
            default: "status \(status)"
            }
        return "the plugin's \(step.rawValue) answered \(word) and gave no reason; its log may tell more"
    }

    /// Checks the table that create has made before anything in it is called.
    private func adopt(_ made: UnsafePointer<muster_component>?) throws(PluginProblem) {
        guard let made else {
            throw PluginProblem("the plugin's create answered MUSTER_OK and left *component NULL: set it to its table")
        }
        guard let table = made.read(atLeast: Int(MUSTER_COMPONENT_SIZE_1_0)) else {
            throw PluginProblem(
                """
                the component table's struct_size is \(made.declaredSize), less than the \(MUSTER_COMPONENT_SIZE_1_0) \
                bytes of ABI 1.0: begin it with MUSTER_INIT(muster_component)
                """)
        }
        guard table.abi_major == UInt16(MUSTER_ABI_MAJOR) else {
            throw PluginProblem("the component table's abi_major is \(table.abi_major), not \(MUSTER_ABI_MAJOR)")
        }
        let required: [(String, Bool)] = [
            ("get_extension", table.get_extension != nil), ("prepare", table.prepare != nil),
            ("activate", table.activate != nil), ("quiesce", table.quiesce != nil), ("release", table.release != nil),
            ("stop", table.stop != nil), ("destroy", table.destroy != nil),
        ]
        if let (missing, _) = required.first(where: { !$0.1 }) {
            throw PluginProblem("the component table's \(missing) is NULL: it is required, even where it does nothing")
        }
        self.table = table
    }
}

/// Where a component stands, for those who have to know while it is being called. Control thread only.
final class LifecycleStage {
    var lifecycle = ComponentLifecycle()

    /// Whether the plugin is in prepare now.
    var isPreparing: Bool { lifecycle.current == .prepare }
}

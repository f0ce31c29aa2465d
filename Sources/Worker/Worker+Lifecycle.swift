internal import CLinux
internal import ControlProtocol
internal import FoundationEssentials
internal import PluginManifest

extension Worker {
    /// Loads every plugin and reports the manifests. What is wrong here is the file's fault: trying again does not help.
    func load() throws(WorkerFailure) {
        var manifests: [Manifest] = []
        for plugin in plan.plugins {
            do throws(PluginProblem) {
                willCall(plugin.component, .load)
                let library =
                    if let builtIn = plugin.builtIn { makeBuiltIn(builtIn) } else { try loadLibrary(plugin.path) }
                libraries[plugin.component] = library
                manifests.append(library.manifest)
            } catch {
                throw WorkerFailure(
                    component: plugin.component, stage: .load, message: error.description, isConfiguration: true)
            }
        }
        try report(.loaded(manifests))
    }

    /// Creates and prepares every component, in the order of the plan.
    func prepare(_ plans: [ComponentPlan]) throws(WorkerFailure) {
        guard components.isEmpty else {
            throw WorkerFailure(component: nil, stage: .prepare, message: "the supervisor asked to prepare twice")
        }
        for plan in plans {
            let component = try makeComponent(plan)
            components.append(component)
            try component.create()
            try component.prepare()
        }
    }

    private func makeComponent(_ component: ComponentPlan) throws(WorkerFailure) -> ComponentRuntime {
        let name = component.component
        guard let library = libraries[name], let plugin = plan.plugins.first(where: { $0.component == name }) else {
            throw WorkerFailure(
                component: name, stage: .create, message: "the supervisor asked to prepare what was not loaded")
        }
        let stage = LifecycleStage()
        let process = makeProcessExtension(of: name, names: library.manifest.helpers.map(\.name))
        let extensions = makeExtensions(
            component, stateDirectory: plugin.stateDirectory, process: process, stage: stage)
        vitals.add(extensions.http)
        vitals.watch(extensions.http, extensions.listener.watch, of: name)
        vitals.add(extensions.metrics)
        let host = HostTable(
            HostTable.Facts(component: name, generation: plan.generation, loopCount: engine.loopCount),
            threshold: plan.logLevel, link: link, queue: queue, extensions: extensions.tables,
            lateExtensions: extensions.lateTables)
        return ComponentRuntime(
            name: name, library: library, options: OptionsTable(component.options), extensions: extensions, host: host,
            stage: stage
        ) { [unowned self] in willCall(name, $0) }
    }

    /// Tells the supervisor where the plugin is about to be. A supervisor that takes nothing any more need not know.
    private func willCall(_ component: String, _ stage: WorkerFailure.Stage) {
        try? link.report(.calling(component: component, stage))
    }

    private func makeExtensions(
        _ component: ComponentPlan, stateDirectory: String, process: ProcessExtension, stage: LifecycleStage
    ) -> ComponentExtensions {
        let name = component.component
        let isPreparing = { [thread] in thread.isCurrent && stage.isPreparing }
        let poke: @Sendable () -> Void = { [queue] in queue.poke() }
        return ComponentExtensions(
            timers: TimerExtension(poke: poke),
            work: WorkExtension(poke: poke),
            bus: BusExtension(component: name, plan: component.bus, link: link, gate: queue.bus, poke: poke) {
                [thread] in
                thread.isCurrent && stage.isPreparing
            },
            process: process,
            state: StateExtension(directory: stateDirectory),
            listener: ListenerExtension(listeners: component.listeners, isPreparing: isPreparing) {
                [unowned self] listener throws(ListenerRefusal) in
                try obtain(listener, for: name).descriptors
            },
            metrics: MetricsExtension(component: name, isControlThread: { [thread] in thread.isCurrent }) {
                [link, threshold = plan.logLevel] message in
                guard .warning >= threshold else { return }
                link.log(LogRecord(component: name, level: .warning, message: message))
            },
            http: engine.makeServer(component: name, listeners: component.listeners, isPreparing: isPreparing) {
                [unowned self] listener in
                let granted = try obtain(listener, for: name)
                return HTTPGrant(
                    descriptors: try granted.descriptors.map(Self.duplicate), credentials: granted.credentials)
            },
            httpClient: HTTPClientExtension { [link] reason in
                link.log(LogRecord(component: name, level: .error, message: reason))
            })
    }

    /// The server owns its numbers, and `Descriptor` closes its own.
    private static func duplicate(_ descriptor: Descriptor) throws(ListenerRefusal) -> CInt {
        let copy = clinux_duplicate(descriptor.rawValue)
        guard copy >= 0 else { throw ListenerRefusal(reason: "no descriptor is left for the listener") }
        return copy
    }

    /// Activates every component, then lets connections in. Where one cannot, those before it give up again what they
    /// took, so that the older generation can have it back; the worker stays, for the supervisor to end.
    func activate(_ states: [String: Data]) throws(WorkerFailure) {
        guard drain == nil else {
            throw WorkerFailure(
                component: nil, stage: .activate, message: "the supervisor asked to activate in a drain")
        }
        do throws(WorkerFailure) {
            for component in components { try component.activate(states[component.name] ?? Data()) }
        } catch {
            for component in components where component.state == .active { letGo(component) }
            try report(.failed(error))
            return
        }
        for component in components { component.extensions.startAccepting() }
        try report(.activated)
    }

    /// Accepts no more, quiesces and releases every component; their states by name, where they wrote one.
    ///
    /// A failure ends the worker: only its end makes sure that nothing exclusive is held any more.
    func quiesce(deadline: UInt64) throws(WorkerFailure) -> [String: Data] {
        for component in components { component.extensions.pauseAccepting() }
        for component in components { try component.quiesce(deadline: deadline) }
        var states: [String: Data] = [:]
        for component in components {
            let state = try component.release()
            if !state.isEmpty { states[component.name] = state }
        }
        return states
    }

    /// Brings one component from active to released, come what may.
    private func letGo(_ component: ComponentRuntime) {
        component.extensions.pauseAccepting()
        for step in component.endingSteps where step == .quiesce || step == .release { take(step, component) }
    }

    /// Ends every component in good order, the last one first.
    func end() -> Exit {
        for component in components { component.extensions.pauseAccepting() }
        stopHelpers()
        for component in components.reversed() {
            for step in component.endingSteps { take(step, component) }
        }
        // What was counted since the last pulse would be lost.
        if !components.isEmpty { vitals.report(over: link) }
        return .done
    }

    /// One step of the way to the end: a failure is logged, and the way goes on.
    private func take(_ step: ComponentLifecycle.Step, _ component: ComponentRuntime) {
        do throws(WorkerFailure) {
            switch step {
            case .quiesce: try component.quiesce(deadline: MonotonicTime.now)
            case .release: _ = try component.release()
            case .stop:
                awaitHelpers(of: component)
                component.stop()
            case .destroy:
                awaitHelpers(of: component)
                component.destroy()
            case .create, .prepare, .activate: break
            }
        } catch {
            log(.warning, "\(error.stage.rawValue) on the way to the end: \(error.message)", component: component.name)
        }
    }
}

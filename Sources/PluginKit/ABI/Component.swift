import MusterABI

/// Makes a component: the context of a manifest. A class, because a C function cannot know the plugin's type.
class AnyComponentFactory {
    func make(_ link: HostLink) -> AnyComponent { preconditionFailure("ComponentFactory overrides this.") }
}

final class ComponentFactory<P: Plugin>: AnyComponentFactory {
    override func make(_ link: HostLink) -> AnyComponent { Component<P>(link) }
}

/// A component without its plugin's type: the context of a `muster_component`. Used on the control thread alone.
class AnyComponent {
    let host: Host
    let table: UnsafeMutablePointer<muster_component>
    private(set) var step = Step.created

    /// Where in its life the component is, and with it what may come next.
    enum Step {
        case created, prepared, active, quiet, released, ended
    }

    init(_ link: HostLink) {
        host = Host(link)
        table = .allocate(capacity: 1)
        table.initialize(to: .sized())
    }

    deinit { table.deallocate() }

    func prepare(_ options: UnsafePointer<muster_options>?) throws {}
    func activate(_ state: [UInt8]) throws {}
    func quiesce(_ deadline: SuspendingClock.Instant) throws {}
    func release() throws -> [UInt8] { [] }
    func stop() {}

    /// Does one step of the life: refuses one that does not fit, and turns what it throws into a status and a reason.
    final func take(
        _ next: Step, from allowed: Set<Step>, _ error: UnsafeMutablePointer<muster_error>?, _ body: () throws -> Void
    ) -> muster_status {
        guard allowed.contains(step) else {
            error?.describe(PluginError("The host asked for a step that does not follow \(step)."))
            return MUSTER_WRONG_STATE
        }
        do {
            try body()
            step = next
            return MUSTER_OK
        } catch {
            return report(error)
        }
        func report(_ failure: any Error) -> muster_status {
            error?.describe(failure)
            return (failure as? PluginError)?.status ?? MUSTER_FAILED
        }
    }
}

final class Component<P: Plugin>: AnyComponent {
    private var plugin: P?

    override func prepare(_ options: UnsafePointer<muster_options>?) throws {
        let group = P.Options()
        try OptionTable(group).load(from: options)
        let plugin = try P(options: group, host: host)
        try plugin.prepare()
        self.plugin = plugin
    }

    override func activate(_ state: [UInt8]) throws { try plugin?.activate(state: state) }
    override func quiesce(_ deadline: SuspendingClock.Instant) throws { try plugin?.quiesce(deadline: deadline) }
    override func release() throws -> [UInt8] { try plugin?.release() ?? [] }
    override func stop() { plugin?.stop() }
}

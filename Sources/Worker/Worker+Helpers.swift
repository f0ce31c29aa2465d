internal import CLinux
internal import ControlProtocol

extension Worker {
    /// How long helpers may take to end by themselves when their component does.
    private static let helperGrace = MonotonicTime.second
    /// How long the component waits for their ends; what is left is killed with this process.
    private static let helperPatience = 2 * MonotonicTime.second

    func makeProcessExtension(of component: String, names: [String]) -> ProcessExtension {
        ProcessExtension(component: component, names: names) { [link] report throws(ChannelError) in
            try link.report(report)
        }
    }

    /// Tells a component what became of a helper; false: the event is about something else.
    func tellOfHelper(_ event: ControlEvent) -> Bool {
        guard case .command(let command, let descriptors) = event else { return false }
        switch command {
        case .helperStarted(let component, let number):
            let socket = descriptors.first.map { clinux_duplicate($0.rawValue) }.flatMap { $0 >= 0 ? $0 : nil }
            call(component) { $0.started(number, socket: socket) }
        case .helperFailed(let component, let number, let reason): call(component) { $0.failed(number, reason) }
        case .helperEnded(let component, let number, let ending): call(component) { $0.ended(number, ending) }
        default: return false
        }
        return true
    }

    private func call(_ component: String, _ body: (ProcessExtension) -> Void) {
        guard let process = components.first(where: { $0.name == component })?.extensions.process else { return }
        vitals.duringCallback { body(process) }
    }

    /// The supervisor has died, and with it every helper.
    func giveUpHelpers() {
        for component in components { vitals.duringCallback { component.extensions.process.giveUp() } }
    }

    /// Asks every helper of this worker to end.
    func stopHelpers() {
        for component in components { component.extensions.process.stop(grace: Self.helperGrace) }
    }

    /// Waits until a component's helpers have ended, so that its stop finds none. What comes meanwhile is dealt with
    /// afterwards; what has come before is looked through first.
    func awaitHelpers(of component: ComponentRuntime) {
        let process = component.extensions.process
        let deadline = MonotonicTime.after(MonotonicTime.now, Self.helperPatience)
        deferred.removeAll(where: tellOfHelper)
        var isSupervised = true
        while process.isBusy, isSupervised, MonotonicTime.now < deadline {
            guard let event = queue.next(until: deadline), !tellOfHelper(event) else { continue }
            if case .supervisorGone = event { isSupervised = false }
            deferred.append(event)
        }
        vitals.duringCallback { process.giveUp() }
    }
}

import MusterABI

/// The host as a component sees it: log, facts, and what its extensions give. Usable from any thread.
public struct Host: Sendable {
    let link: HostLink

    init(_ link: HostLink) { self.link = link }

    /// Where the component runs.
    public struct Facts: Sendable, Equatable {
        /// The host's version: `1.0.0`.
        public var hostVersion: String
        /// The component's name in the configuration.
        public var component: String
        /// The number of the configuration that started this worker; grows with each reload.
        public var generation: UInt64
        /// The number of event loops in this worker.
        public var loopCount: Int
    }

    public var facts: Facts {
        guard link.canLog, let facts = link.host.facts(link.host.context),
            isUsable(facts, size: MUSTER_HOST_FACTS_SIZE_1_0)
        else { return Facts(hostVersion: "", component: "", generation: 0, loopCount: 1) }
        return Facts(
            hostVersion: facts.pointee.host_version.repairedText, component: facts.pointee.component.repairedText,
            generation: facts.pointee.generation, loopCount: max(1, Int(facts.pointee.loop_count)))
    }

    /// The log, under the component's name.
    public var log: Log { Log(link: link) }

    /// Reports that the component cannot go on: the worker is replaced under the rules of supervision.
    public func fail(_ reason: String) {
        guard link.isOpen else { return }
        withABIText(reason) { link.host.fail(link.host.context, $0) }
    }

    /// The component's own directory: absolute, mode 0700, the same through reloads, crashes and reboots.
    ///
    /// Throws where the host lacks `muster.state/1`: put `.state` in `requires`.
    public var stateDirectory: Path {
        get throws(PluginError) {
            guard let state = link.stateDirectory, link.canLog else { throw .lacking(.state) }
            guard let path = state.directory(state.context).validText, !path.isEmpty else {
                throw PluginError("The host named no state directory.")
            }
            return Path(path)
        }
    }
}

extension PluginError {
    /// The host lacks an extension that was not required in the manifest.
    static func lacking(_ needed: HostExtension) -> PluginError {
        PluginError("The host does not offer \(needed.id), or the component has ended.", kind: .unsupported)
    }
}

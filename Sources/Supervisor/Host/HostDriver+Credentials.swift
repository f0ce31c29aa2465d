import ControlProtocol

/// What https listeners are served with, on its way to workers.
extension HostDriver {
    /// Between looks at the ends of certificates.
    static let credentialPeriod: Nanoseconds = .seconds(3600)

    /// The credentials of a listener as a configuration has them; nil where it is not https.
    func credentials(of component: String, _ listener: String, proposal: UInt64?) -> TLSCredentials? {
        let name = "\(component)/\(listener)"
        guard let proposal, let loaded = stage.configurations[proposal]?.credentials[name] else { return nil }
        return TLSCredentials(
            certificate: loaded.contents.certificate, privateKey: loaded.contents.privateKey,
            authority: loaded.contents.authority, ticketKeys: ticketKeys.keys(of: name, at: monotonicNow()))
    }

    func renewCredentials(of id: WorkerID, proposal: UInt64) {
        for resolved in plans[id]?.plugins.map(\.component) ?? [] {
            for listener in httpsListeners(of: resolved, proposal: proposal) {
                guard let credentials = credentials(of: resolved, listener, proposal: proposal) else { continue }
                send(id, .credentials(component: resolved, listener: listener, credentials))
            }
        }
    }

    private func httpsListeners(of component: String, proposal: UInt64) -> [String] {
        (stage.configurations[proposal]?.credentials.keys.sorted() ?? []).compactMap { name in
            name.hasPrefix(component + "/") ? String(name.dropFirst(component.utf8.count + 1)) : nil
        }
    }

    /// New ticket keys where the time has come, and the host's own certificate renewed before its end. An operator's
    /// certificate is only talked about: a reload takes a new one over.
    func tendCredentials() {
        let now = monotonicNow()
        let hasNewKeys = ticketKeys.rotateDue(at: now)
        let isCheckDue = nextCredentialCheck <= now
        if isCheckDue { nextCredentialCheck = now.after(Self.credentialPeriod) }
        guard hasNewKeys || isCheckDue, let committed = machine.committed?.id else { return }
        if isCheckDue {
            stage.reloadCredentials(of: committed)
            logRemarks()
        }
        ticketKeys.retain(Set(stage.configurations.values.flatMap(\.credentials.keys)))
        for unit in machine.units { if let id = unit.worker { renewCredentials(of: id, proposal: committed) } }
    }

    func logRemarks() {
        for remark in stage.credentials.takeRemarks() where !setup.isCheck { log.log(remark.level, remark.sentence) }
    }
}

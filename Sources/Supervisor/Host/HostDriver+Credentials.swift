import ControlProtocol

/// What https listeners are served with, on its way to workers.
extension HostDriver {
    /// Between looks at the ends of certificates.
    static let credentialPeriod: Nanoseconds = .seconds(3600)
    /// Between looks at the operator's files: a few stat(2).
    static let credentialFilePeriod: Nanoseconds = .seconds(60)

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

    /// New ticket keys where the time has come, the host's own certificate renewed before its end, and an operator's
    /// taken over where its files have changed.
    func tendCredentials() {
        let now = monotonicNow()
        let hasNewKeys = ticketKeys.rotateDue(at: now)
        let isCheckDue = nextCredentialCheck <= now
        if isCheckDue { nextCredentialCheck = now.after(Self.credentialPeriod) }
        let isLookDue = nextCredentialLook <= now
        if isLookDue { nextCredentialLook = now.after(setup.credentialFilePeriod) }
        guard hasNewKeys || isCheckDue || isLookDue, let committed = machine.committed?.id else { return }
        if isCheckDue {
            stage.reloadCredentials(of: committed)
        }
        let hasChanged = isLookDue && stage.lookAtCredentials(of: committed, &credentialWatch)
        logRemarks()
        guard hasNewKeys || isCheckDue || hasChanged else { return }
        ticketKeys.retain(Set(stage.configurations.values.flatMap(\.credentials.keys)))
        for unit in machine.units { if let id = unit.worker { renewCredentials(of: id, proposal: committed) } }
    }

    func logRemarks() {
        for remark in stage.credentials.takeRemarks() where !setup.isCheck { log.log(remark.level, remark.sentence) }
    }
}

internal import ControlProtocol
internal import MusterABI
internal import Networking
internal import PluginManifest

/// What https listeners are served with.
extension HTTPServerExtension {
    /// The TLS of a listener; nil where it is plain HTTP.
    func context(for plan: ListenerPlan, _ credentials: TLSCredentials?) throws(Refusal) -> TLSContext? {
        guard plan.transport == .https else { return nil }
        guard let credentials else {
            throw Refusal(
                status: MUSTER_FAILED, reason: "The supervisor gave no certificate for the listener \"\(plan.name)\".")
        }
        do throws(TLSError) {
            return try TLSContext(configuration(of: plan, credentials))
        } catch {
            throw Refusal(
                status: MUSTER_FAILED, reason: "The listener \"\(plan.name)\" cannot be served over TLS: \(error).")
        }
    }

    private func configuration(of plan: ListenerPlan, _ credentials: TLSCredentials) -> TLSConfiguration {
        let policy: TLSConfiguration.ClientPolicy =
            switch plan.clientCertificate {
            case .none: .none
            case .optional: .optional
            case .required: .required
            }
        return TLSConfiguration(
            certificate: credentials.certificate, privateKey: credentials.privateKey, clientPolicy: policy,
            authority: credentials.authority, allowedClients: plan.allowedClients, ticketKeys: credentials.ticketKeys,
            sessionContext: "\(component)/\(plan.name)/\(plan.clientCertificate.rawValue)")
    }

    func replaceCredentials(of listener: String, with credentials: TLSCredentials) throws(ListenerRefusal) {
        guard let (plan, server) = served(listener) else { return }
        do throws(Refusal) {
            if let context = try context(for: plan, credentials) { server.replaceTLS(context) }
        } catch {
            throw ListenerRefusal(reason: error.reason)
        }
    }
}

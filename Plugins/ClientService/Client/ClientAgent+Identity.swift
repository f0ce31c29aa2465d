internal import Fleet
import PluginKit

extension ClientAgent {
    /// A new certificate when two thirds of the present one's life are over. The company server renews its own.
    func renewIfDue() async {
        guard let identity = try? uplink.identity(), identity.isDueForRenewal(at: .now()) else { return }
        await renew(because: "two thirds of its life are over")
    }

    /// A new key and a certificate for it. Until both are on disk the old ones are used.
    func renew(because reason: String) async {
        guard let identity = try? uplink.identity(), !identity.peer.isServer else { return }
        do {
            let key = try IdentityKey.make()
            let request = RenewRequest(
                request: try key.signingRequest(commonName: "client"), instance: state.withLock { $0.instance })
            guard let answer: RenewAnswer = try await uplink.post("/v1/renew", request) else { return }
            try uplink.folder.replace(key: key, certificate: answer.certificate)
            host.log.notice(
                "The certificate was renewed.", ["reason": reason, "client": "\(answer.client)"])
            heartbeatBell.ring()
        } catch {
            host.log.error(
                "The certificate could not be renewed; trying again with the next heartbeat.", ["error": "\(error)"])
        }
    }
}

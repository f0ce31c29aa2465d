import Fleet
import PluginKit

extension FleetPeer {
    /// Who asks. Throws a `Problem` of 401 where no certificate of the fleet was shown.
    init(of identity: TLSIdentity?) throws(Problem) {
        guard let identity else {
            throw Problem(401, .noCertificate, "Show a certificate of the fleet: nothing here answers without one.")
        }
        guard let peer = FleetPeer(uris: identity.uris, subject: identity.subject) else {
            throw Problem(401, .noCertificate, "The certificate names no role of the fleet.")
        }
        self = peer
    }

    /// The administrator who asks, for the fleet's own check of revocations. Throws a `Problem` of 403 for anybody else,
    /// and for too low a rank.
    func administrator(atLeast rank: FleetRole.Rank) throws(Problem) -> Caller {
        for case .admin(let name, let own) in roles {
            guard own >= rank else {
                throw Problem(
                    403, .notAllowed, "That takes the role \(rank.rawValue); \(name)'s certificate has \(own.rawValue)."
                )
            }
            return Caller(uri: "\(FleetRole.admin(name: name, own))", serial: serial)
        }
        throw Problem(403, .notAllowed, "Only administrators may do that; the certificate is none of theirs.")
    }

    /// Throws a `Problem` of 403 unless the company server asks.
    func requireServer() throws(Problem) {
        guard isServer else { throw Problem(403, .notAllowed, "Only the company server may ring a doorbell.") }
    }
}

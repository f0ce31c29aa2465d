internal import Fleet

/// Whether a peer may use an endpoint: by its certificate alone, before the store is asked.
enum Access {
    static func check(_ access: Endpoint.Access, _ peer: FleetPeer?, own: ClientID?) -> Problem? {
        if access == .anyone { return nil }
        guard let peer else {
            return Problem(
                401, .noCertificate,
                "This port answers members of the fleet: show a certificate of its authority, or enrol first (muster enroll)."
            )
        }
        let isAllowed =
            switch access {
            case .anyone: true
            case .client: peer.client != nil
            case .rank(let rank): peer.rank.map { $0 >= rank } ?? false
            case .status: peer.isServer || peer.rank != nil || own != nil && peer.client == own
            }
        guard !isAllowed else { return nil }
        let needed =
            switch access {
            case .anyone: "anyone"
            case .client: "clients"
            case .rank(.viewer): "administrators"
            case .rank(let rank): "administrators with the role \(rank.rawValue)"
            case .status: "administrators and the company server"
            }
        let role = peer.roles.first.map { "\($0)" } ?? "without a role"
        return Problem(403, .notAllowed, "Only \(needed) may do that; the certificate is \(role).")
    }
}

import Fleet
import PluginKit

/// `POST /v1/check`: who may ask for a look at the upstream, and what they are told.
struct CheckDesk: Sendable {
    struct Reply: Codable, Sendable, Equatable {
        /// `started`, `joined`, `later`, `stopping`, or `serves_only` where there is no upstream.
        var result: String
        /// Until it begins; 0: it has.
        var inSeconds: Int64 = 0
    }

    /// nil: there is no upstream.
    let mirror: Mirror?

    func answer(_ identity: TLSIdentity?, _ exchange: Exchange) {
        guard Self.mayAsk(identity) else { return ServiceAnswers.notAllowed(exchange) }
        guard let mirror else {
            return ServiceAnswers.json(Reply(result: "serves_only"), .ok, exchange)
        }
        switch mirror.check() {
        case .started: ServiceAnswers.json(Reply(result: "started"), .accepted, exchange)
        case .joined: ServiceAnswers.json(Reply(result: "joined"), .accepted, exchange)
        case .later(let pause):
            ServiceAnswers.json(
                Reply(result: "later", inSeconds: max(1, pause.components.seconds + 1)), .accepted, exchange)
        case .notActive: ServiceAnswers.json(Reply(result: "stopping"), .serviceUnavailable, exchange)
        }
    }

    static func mayAsk(_ identity: TLSIdentity?) -> Bool {
        guard let identity, let peer = FleetPeer(uris: identity.uris, subject: identity.subject) else { return false }
        return peer.roles.contains { role in
            switch role {
            case .server, .distributor: true
            case .admin(_, let rank): rank >= .operator
            case .client: false
            }
        }
    }
}

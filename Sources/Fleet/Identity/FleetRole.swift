/// What a certificate of the fleet entitles to, written into it as a SAN URI by the fleet's authority alone.
///
///     muster:server
///     muster:client/<uuid>
///     muster:admin/<name>?role=viewer|operator|admin
///     muster:distributor/<name>
public enum FleetRole: Hashable, Sendable, CustomStringConvertible {
    case server
    case client(ClientID)
    case admin(name: String, Rank)
    case distributor(name: String)

    /// What an administrator may do; each may do what those before it may.
    public enum Rank: String, Codable, Sendable, CaseIterable, Comparable {
        /// Looks.
        case viewer
        /// Orders sweeps and polls, and cancels them.
        case `operator`
        /// Also tokens, revocations and backups.
        case admin

        public static func < (left: Self, right: Self) -> Bool {
            let order = allCases
            return (order.firstIndex(of: left) ?? 0) < (order.firstIndex(of: right) ?? 0)
        }
    }

    /// nil for a URI that is none of the fleet's.
    public init?(uri: String) {
        if uri == "muster:server" {
            self = .server
        } else if let rest = uri.rest(after: "muster:client/") {
            guard let id = ClientID(rest) else { return nil }
            self = .client(id)
        } else if let rest = uri.rest(after: "muster:distributor/") {
            guard Self.isName(rest) else { return nil }
            self = .distributor(name: String(rest))
        } else if let rest = uri.rest(after: "muster:admin/") {
            let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, Self.isName(parts[0]), let rank = String(parts[1]).rest(after: "role="),
                let rank = Rank(rawValue: String(rank))
            else { return nil }
            self = .admin(name: String(parts[0]), rank)
        } else {
            return nil
        }
    }

    /// 1 to 64 letters, digits, `.`, `_`, `-`: what needs no escaping in a URI, a certificate or a shell.
    public static func isName(_ text: some StringProtocol) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// The URI.
    public var description: String {
        switch self {
        case .server: "muster:server"
        case .client(let id): "muster:client/\(id)"
        case .admin(let name, let rank): "muster:admin/\(name)?role=\(rank.rawValue)"
        case .distributor(let name): "muster:distributor/\(name)"
        }
    }

    /// The URI without the rank: what a revocation names, so that no rank of an administrator is left over.
    public var subject: String {
        if case .admin(let name, _) = self { "muster:admin/\(name)" } else { description }
    }
}

/// Who a peer proved to be. A company server that is its own client has two roles.
public struct FleetPeer: Hashable, Sendable {
    public var roles: [FleetRole]
    /// The certificate's serial number in upper-case hexadecimal, which the authority also writes into the subject
    /// (X.520 `serialNumber`); empty where the subject has none.
    public var serial: String

    public init(roles: [FleetRole], serial: String = "") {
        self.roles = roles
        self.serial = serial
    }

    /// nil where no URI is a role of the fleet.
    /// - Parameters:
    ///   - uris: the certificate's SAN URIs, verified.
    ///   - subject: its subject, as RFC 2253 writes it.
    public init?(uris: [String], subject: String) {
        let roles = uris.compactMap { FleetRole(uri: $0) }
        guard !roles.isEmpty else { return nil }
        self.init(roles: roles, serial: Self.serial(in: subject))
    }

    public var isServer: Bool { roles.contains(.server) }

    public var client: ClientID? {
        for case .client(let id) in roles { return id }
        return nil
    }

    public var rank: FleetRole.Rank? {
        for case .admin(_, let rank) in roles { return rank }
        return nil
    }

    /// For records and for the bus: the first role.
    public var caller: Caller { Caller(uri: roles.first.map { "\($0)" } ?? "", serial: serial) }

    private static func serial(in subject: String) -> String {
        for part in subject.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0] == "serialNumber" || pair[0] == "2.5.4.5" else { continue }
            return String(pair[1])
        }
        return ""
    }
}

extension String {
    func rest(after prefix: String) -> Substring? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }
}

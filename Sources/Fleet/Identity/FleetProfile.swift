/// What a member knows of its fleet besides its identity: `fleet.json`.
public struct FleetProfile: Codable, Hashable, Sendable {
    /// The fleet's name.
    public var fleet: String
    /// Where ClientService answers, `host:50000`.
    public var server: String
    /// Where SweepHandler and PollHandler answer; nil: on the server's host, at their documented ports.
    public var sweeps: String?
    public var polls: String?

    public init(fleet: String, server: String, sweeps: String? = nil, polls: String? = nil) {
        self.fleet = fleet
        self.server = server
        self.sweeps = sweeps
        self.polls = polls
    }

    public var serverAddress: ServerAddress {
        get throws(FleetIdentityError) { try ServerAddress(server) }
    }

    public var sweepsAddress: ServerAddress {
        get throws(FleetIdentityError) { try address(sweeps, ServerAddress.sweepPort) }
    }

    public var pollsAddress: ServerAddress {
        get throws(FleetIdentityError) { try address(polls, ServerAddress.pollPort) }
    }

    private func address(_ text: String?, _ port: Int) throws(FleetIdentityError) -> ServerAddress {
        guard let text else { return ServerAddress(host: try serverAddress.host, port: port) }
        return try ServerAddress(text, defaultPort: port)
    }
}

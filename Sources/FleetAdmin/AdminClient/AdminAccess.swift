public import Fleet

/// Who an administrator is, and where the company server is.
public struct AdminAccess: Sendable {
    /// PEM: the administrator's own certificate, then those between it and the authority.
    public var certificate: [UInt8]
    /// PEM, unencrypted.
    public var privateKey: [UInt8]
    /// PEM: the fleet's authority, the only one that is believed.
    public var authority: [UInt8]
    public var validity: Range<Timestamp>?
    /// ClientService.
    public var clients: ServerAddress
    public var sweeps: ServerAddress
    public var polls: ServerAddress

    public init(
        certificate: [UInt8], privateKey: [UInt8], authority: [UInt8], validity: Range<Timestamp>? = nil,
        clients: ServerAddress, sweeps: ServerAddress? = nil, polls: ServerAddress? = nil
    ) {
        self.certificate = certificate
        self.privateKey = privateKey
        self.authority = authority
        self.validity = validity
        self.clients = clients
        self.sweeps = sweeps ?? clients.adding(1)
        self.polls = polls ?? clients.adding(2)
    }

    func address(of service: AdminService) -> ServerAddress {
        switch service {
        case .clients: clients
        case .sweeps: sweeps
        case .polls: polls
        }
    }

    /// Why it is of no use now, before anybody is asked; nil: it is, as far as can be seen here.
    func problem(at now: Timestamp) -> AdminFailure? {
        guard let validity, !validity.contains(now) else { return nil }
        if now < validity.lowerBound {
            return AdminFailure(
                .clockSkew,
                "your certificate is valid from \(validity.lowerBound) on, and this machine's clock says \(now)",
                advice: "Set this machine's clock (`timedatectl` shows it) and try again.")
        }
        return AdminFailure(
            .certificate, "your certificate ended at \(validity.upperBound); this machine's clock says \(now)",
            advice: "If the clock is right, make a new one with `muster fleet admin add` on the company server.")
    }
}

extension ServerAddress {
    /// The port that lies so much further: a host that runs with a port offset has all of its ports there.
    fileprivate func adding(_ number: Int) -> ServerAddress {
        ServerAddress(host: host, port: min(65_535, port + number))
    }
}

/// The components of the company server that answer administrators, each at a port of its own.
public enum AdminService: String, Sendable, CaseIterable {
    case clients, sweeps, polls
}

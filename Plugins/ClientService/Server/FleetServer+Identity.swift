internal import Fleet
import PluginKit

extension FleetServer {
    /// The company server is its own first client: its certificate says so, and the store has to know it.
    func admitOwnClient(to store: any FleetStore) throws {
        guard let ownClient else { return }
        let own: FleetIdentity
        do {
            own = try identity.read()
        } catch {
            throw PluginError("\(error)")
        }
        let now = now
        try store.writeBlocking { store in
            if var record = try store.client(ownClient) {
                guard record.serial != own.peer.serial, record.nextSerial != own.peer.serial else { return }
                // It was made anew beside the store, by who holds the authority.
                record.serial = own.peer.serial
                record.nextSerial = nil
                record.certificateEndsAt = own.notAfter
                try store.update(record)
            } else {
                try store.insert(
                    ClientRecord(
                        id: ownClient, name: own.profile.serverAddress.host, group: "servers", enrolledAt: now,
                        serial: own.peer.serial, certificateEndsAt: own.notAfter))
            }
        }
    }

    /// Renews this machine's own certificate when two thirds of its life are over, and warns of the authority's end.
    func tendIdentity() async {
        if authority.notAfter < now + .seconds(60 * 86_400) {
            host.log.warning(
                "The fleet's issuing certificate ends soon; make a new one with the root's key (docs/fleet.md).",
                ["ends": "\(authority.notAfter)"])
        }
        do {
            let own = try identity.read()
            guard own.isDueForRenewal(at: now) else { return }
            let key = try IdentityKey.make()
            let request = try SigningRequest(pem: try key.signingRequest(commonName: "server"))
            let life = CertificateLife.server
            let issued = try authority.issue(
                own.peer.roles, to: request, commonName: "server", names: own.names, lifetime: life, at: now)
            if let ownClient {
                let serial = issued.serial
                try await store().write { store in
                    guard var record = try store.client(ownClient) else { return }
                    record.nextSerial = serial
                    record.certificateEndsAt = issued.notAfter
                    try store.update(record)
                }
                registry.update(ownClient) { $0.nextSerial = serial }
            }
            try identity.replace(key: key, certificate: issued.pem + authority.root)
            host.log.notice("The company server's certificate was renewed.", ["ends": "\(issued.notAfter)"])
        } catch {
            host.log.error(
                "The company server's certificate could not be renewed; trying again in an hour.", ["error": "\(error)"]
            )
        }
    }

    var standing: ServiceStatus.Server {
        let enrolled = registry.collect { $1.standing == .enrolled ? $1.isOnline : nil }
        return ServiceStatus.Server(
            clients: enrolled.count, online: enrolled.count { $0 }, waiting: waiters.count)
    }
}

extension FleetIdentity {
    /// Certificates are valid from an hour before they were issued.
    private static let leeway = Duration.seconds(3600)

    /// Two thirds of its life are over.
    func isDueForRenewal(at now: Timestamp) -> Bool {
        now > notAfter - (notAfter - notBefore - Self.leeway) / 3
    }
}

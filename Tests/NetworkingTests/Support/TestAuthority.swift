import ControlProtocol
import FoundationEssentials

@testable import Credentials
@testable import Networking

/// An authority of a test's own, and certificates by it.
struct TestAuthority {
    /// A certificate with its key, PEM.
    struct Identity {
        var certificate: Data
        var privateKey: Data
    }

    private let authority: CertificateOrder.Authority
    /// PEM.
    var certificate: Data { authority.certificate }
    let server: Identity

    init() throws {
        let made = try Self.make(names: ["localhost"], addresses: ["127.0.0.1"])
        authority = made.authority
        server = Identity(certificate: made.certificate, privateKey: made.privateKey)
    }

    /// A certificate with these roles.
    func identity(_ name: String, uris: [String] = []) throws -> Identity {
        let made = try Self.make(names: [name], uris: uris, authority: authority)
        return Identity(certificate: made.certificate, privateKey: made.privateKey)
    }

    /// What a listener is served with.
    func context(
        _ policy: TLSConfiguration.ClientPolicy = .none, allowed: [String] = [], keys: [Data] = [],
        session: String = "Test/web", identity: Identity? = nil
    ) throws -> TLSContext {
        let identity = identity ?? server
        return try TLSContext(
            TLSConfiguration(
                certificate: identity.certificate, privateKey: identity.privateKey, clientPolicy: policy,
                authority: policy == .none ? nil : certificate, allowedClients: allowed, ticketKeys: keys,
                sessionContext: session))
    }

    /// A session-ticket key made of one byte.
    static func ticketKey(_ byte: UInt8) -> Data { Data(repeating: byte, count: 80) }

    private struct Unmade: Error {}

    private static func make(
        names: [String], addresses: [String] = [], uris: [String] = [], authority: CertificateOrder.Authority? = nil
    ) throws -> MadeCertificate {
        let order = CertificateOrder(names: names, addresses: addresses, uris: uris, authority: authority)
        guard case .made(let made) = CredentialMain.answer(.make(order)) else { throw Unmade() }
        return made
    }
}

import ControlProtocol
import Credentials
package import FoundationEssentials

/// An authority of a test's own, and certificates by it.
package struct TestAuthority {
    /// A certificate with its key, PEM.
    package struct Identity: Sendable {
        package var certificate: Data
        package var privateKey: Data

        package init(certificate: Data, privateKey: Data) {
            self.certificate = certificate
            self.privateKey = privateKey
        }
    }

    private let authority: CertificateOrder.Authority
    /// PEM.
    package var certificate: Data { authority.certificate }
    package let server: Identity

    package init() throws {
        let made = try Self.make(names: ["localhost"], addresses: ["127.0.0.1"])
        authority = made.authority
        server = Identity(certificate: made.certificate, privateKey: made.privateKey)
    }

    /// A certificate with these roles.
    package func identity(_ name: String, uris: [String] = []) throws -> Identity {
        let made = try Self.make(names: [name], uris: uris, authority: authority)
        return Identity(certificate: made.certificate, privateKey: made.privateKey)
    }

    private struct Unmade: Error {}

    private static func make(
        names: [String], addresses: [String] = [], uris: [String] = [], authority: CertificateOrder.Authority? = nil
    ) throws -> MadeCertificate {
        let order = CertificateOrder(names: names, addresses: addresses, uris: uris, authority: authority)
        guard case .made(let made) = CredentialMain.answer(.make(order)) else { throw Unmade() }
        return made
    }
}

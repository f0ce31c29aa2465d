import FoundationEssentials
import TLSTesting

@testable import Networking

extension TestAuthority {
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
}

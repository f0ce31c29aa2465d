internal import COpenSSL
internal import CTLS

/// The check of one connection's peer, tied to the connection. Used on the client's thread alone.
final class PeerCheck {
    let trust: ClientTrust
    /// That the peer is another than the one expected, in a sentence.
    private(set) var finding: String?

    /// Why its certificate is not believed, in a sentence.
    private(set) var doubt: String?

    init(_ trust: ClientTrust) { self.trust = trust }

    func note(_ code: CInt) {
        let words = X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
        doubt = "the server's certificate is not vouched for: \(words)"
    }

    func accepts(_ leaf: OpaquePointer) -> Bool {
        if trust.expectation.matches(leaf) { return true }
        finding =
            "the server proved to be another than \(trust.expectation): "
            + "its certificate \(PeerExpectation.describe(leaf))"
        return false
    }

    /// The check that a connection was set up with; nil: it was not set up here.
    static func of(_ connection: OpaquePointer) -> PeerCheck? {
        ctls_client_owner(connection).map { Unmanaged<PeerCheck>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Whether a connection was set up, and its session began, for the same as `other`. Kept connections and resumed
    /// sessions make no handshake that would have checked it.
    func isFor(_ other: ClientTrust, _ connection: OpaquePointer) -> Bool {
        trust.id == other.id && ctls_session_tag(connection) == other.tag
    }

    /// Looks at the peer's certificate again, before a request is sent.
    func acceptsPeer(of connection: OpaquePointer) -> Bool {
        guard SSL_get_verify_result(connection) == X509_V_OK, let leaf = SSL_get0_peer_certificate(connection) else {
            finding = "the server showed no certificate that was verified"
            return false
        }
        return accepts(leaf)
    }
}

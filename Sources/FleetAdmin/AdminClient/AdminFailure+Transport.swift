internal import Fleet
internal import Glibc
internal import Networking

extension AdminFailure {
    /// What a transfer that came to no whole answer comes to for a person.
    init(_ result: HTTPClientResult, from address: ServerAddress, at now: Timestamp) {
        let reason = Self.sentence(result.reason)
        switch result.code {
        case .unresolved, .notConnected, .connectTimeout, .proxyFailed:
            // The system's own words are shorter than all around them.
            let cause = result.systemError == 0 ? reason : String(cString: strerror(result.systemError))
            self.init(
                .unreachable, "the company server cannot be reached at \(address): \(cause)",
                advice: "Is it on, does its host run (`muster status` there), and does the network let you through? "
                    + "--server HOST:PORT names another address.")
        case .stalled, .totalTimeout:
            self.init(
                .unreachable, "the company server at \(address) gave no answer in time: \(reason)",
                advice: "It may be busy, or the network may be: try again, or look at `muster status` there.")
        case .connectionLost:
            self.init(
                .unreachable, "the connection to the company server at \(address) broke: \(reason)",
                advice: "Whether it had acted on the request is not known: look before you repeat an order.")
        case .wrongPeer:
            self.init(
                .wrongPeer, "what answers at \(address) is not the fleet's server; \(reason)",
                advice: "Nothing was sent to it. Check the address: --server HOST:PORT, or `server` in fleet.json.")
        case .tlsFailed: self.init(tls: reason, at: address, now)
        case .protocolBroken, .tooLarge, .redirectRefused, .notResumed:
            self.init(.notOurs, "what answers at \(address) is not a company server: \(reason)", advice: Self.notOurs)
        case .fileFailed: self.init(.local, reason)
        case .done, .failed, .cancelled: self.init(.local, "the company server at \(address) was not asked: \(reason)")
        }
    }

    static let notOurs = "Check the address (--server HOST:PORT), and that both ends run the same version of Muster."

    /// - Parameter reason: OpenSSL's words, ours around them.
    private init(tls reason: String, at address: ServerAddress, _ now: Timestamp) {
        let newIdentity = "Make a new identity with `muster fleet admin add` on the company server."
        let clock = "Set this machine's clock (`timedatectl` shows it) and try again."
        if reason.contains("certificate is not yet valid") {
            self.init(
                .clockSkew,
                "the certificate of the server at \(address) is not valid yet; this machine's clock says \(now)",
                advice: clock)
        } else if reason.contains("certificate has expired") {
            self.init(
                .certificate,
                "the certificate of the server at \(address) has expired; this machine's clock says \(now)",
                advice: "If the clock is right, the company server needs a new certificate.")
        } else if reason.contains("alert certificate expired") {
            self.init(
                .certificate, "the server at \(address) takes your certificate for expired",
                advice: "\(newIdentity) If it is new, one of the two clocks is wrong.")
        } else if reason.contains("alert certificate revoked") {
            self.init(
                .certificate, "the server at \(address) says that your certificate is revoked", advice: newIdentity)
        } else if reason.contains("alert unknown ca") {
            self.init(
                .certificate, "the server at \(address) does not know the authority of your certificate",
                advice: "Your identity belongs to another fleet: name the right one with --identity DIR.")
        } else if reason.contains("not vouched for") {
            self.init(
                .certificate, "the server at \(address) belongs to another fleet than your identity: \(reason)",
                advice:
                    "Nothing was sent to it. Check the address (--server HOST:PORT) and the identity (--identity DIR).")
        } else if reason.contains("alert") {
            self.init(.certificate, "the server at \(address) refused your certificate: \(reason)", advice: newIdentity)
        } else {
            self.init(
                .notOurs, "what answers at \(address) does not speak TLS as a company server does: \(reason)",
                advice: Self.notOurs)
        }
    }
}

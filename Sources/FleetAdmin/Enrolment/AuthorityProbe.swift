internal import COpenSSL
public import Fleet
internal import FoundationEssentials
internal import OpenSSL

/// Finds out who answers where a token says that the company server is, before anything is told to it.
///
/// The handshake believes nobody. Of the certificates that are shown, the one with the token's fingerprint is the fleet's
/// root, and the first must come from it and belong to the company server. Blocks its thread for `timeout` at most, but
/// for the resolver, which has its own.
public struct AuthorityProbe: Sendable {
    public var server: ServerAddress
    /// SHA-256 of the root's DER, lower-case hexadecimal.
    public var fingerprint: String
    public var timeout: Duration

    public init(server: ServerAddress, fingerprint: String, timeout: Duration = .seconds(10)) {
        self.server = server
        self.fingerprint = fingerprint
        self.timeout = timeout
    }

    /// The fleet's root, PEM.
    public func root(at now: Timestamp = .now()) throws(EnrolmentFailure) -> String {
        let chain = try TLSProbe.chain(of: server, timeout: timeout)
        let found = chain.firstIndex { certificate in
            (try? certificate.fingerprint()).map { Hexadecimal.lower($0) == fingerprint } ?? false
        }
        guard let found else {
            throw EnrolmentFailure(
                .wrongFingerprint, "another server answers at \(server), or the token is of another fleet",
                advice: "Compare the address with the company server's, and make a new token there.")
        }
        let root = try text(of: found, in: chain)
        if let doubt = try doubt(of: chain, under: found, at: now) { throw failure(doubt, chain, now) }
        guard chain.with(0, { $0.uris.contains("\(FleetRole.server)") }) == true else {
            throw EnrolmentFailure(
                .notTheServer, "what answers at \(server) belongs to the fleet and is not its server",
                advice: "Compare the address with the company server's, and make a new token there.")
        }
        return root
    }

    private func text(of index: Int, in chain: CertificateChain) throws(EnrolmentFailure) -> String {
        do throws(OpenSSLFailure) {
            let pem = try chain.with(index) { certificate throws(OpenSSLFailure) in try certificate.pem() }
            return String(decoding: pem ?? Data(), as: UTF8.self)
        } catch {
            throw EnrolmentFailure(.untrusted, "the root that \(server) shows cannot be read: \(error.sentence)")
        }
    }

    private func doubt(
        of chain: CertificateChain, under root: Int, at now: Timestamp
    ) throws(EnrolmentFailure) -> (code: CInt, index: Int?)? {
        do throws(OpenSSLFailure) {
            let doubt = try chain.with(root) { root throws(OpenSSLFailure) in
                try chain.doubt(under: root, at: now.milliseconds / 1000, purpose: X509_PURPOSE_SSL_SERVER)
            }
            return doubt ?? nil
        } catch {
            throw EnrolmentFailure(
                .untrusted, "the certificate that \(server) shows cannot be checked: \(error.sentence)")
        }
    }

    private func failure(
        _ doubt: (code: CInt, index: Int?), _ chain: CertificateChain, _ now: Timestamp
    ) -> EnrolmentFailure {
        let dates = chain.with(doubt.index ?? 0) { ($0.notBefore, $0.notAfter) }
        switch (doubt.code, dates?.0, dates?.1) {
        case (X509_V_ERR_CERT_NOT_YET_VALID, let begin?, _):
            let begin = Timestamp(seconds: begin)
            return EnrolmentFailure(
                .clockSkew,
                "the server's certificate is valid from \(begin.toTheSecond) on, and this machine's clock says "
                    + "\(now.toTheSecond): it is at least \((begin - now).inWords) behind",
                advice: "Set the clock of this machine, and enroll again: the token is not used up.")
        case (X509_V_ERR_CERT_HAS_EXPIRED, _, let end?):
            let end = Timestamp(seconds: end)
            return EnrolmentFailure(
                .clockSkew,
                "the server's certificate ended on \(end.toTheSecond), and this machine's clock says "
                    + "\(now.toTheSecond), which is \((now - end).inWords) later",
                advice: "Set the clock of this machine if it is wrong; if it is right, the company server needs a new "
                    + "certificate. The token is not used up.")
        default:
            return EnrolmentFailure(
                .untrusted,
                "the certificate that \(server) shows does not come from the authority of the token: "
                    + CertificateChain.words(doubt.code),
                advice: "Another server answers there: compare the address with the company server's.")
        }
    }
}

extension Timestamp {
    var toTheSecond: String { "\(Timestamp(milliseconds: milliseconds - milliseconds % 1000))".replacing(".000Z", "Z") }
}

extension String {
    fileprivate func replacing(_ end: String, _ other: String) -> String {
        hasSuffix(end) ? dropLast(end.count) + other : self
    }
}

extension Duration {
    /// `3 days`, `5 hours`, `2 minutes`, `1 second`: cut, and never nothing.
    var inWords: String {
        let seconds = max(1, wholeMilliseconds / 1000)
        for (unit, name) in [(Int64(86_400), "day"), (3600, "hour"), (60, "minute")] where seconds >= 2 * unit {
            return "\(seconds / unit) \(name)s"
        }
        return seconds == 1 ? "1 second" : "\(seconds) seconds"
    }
}

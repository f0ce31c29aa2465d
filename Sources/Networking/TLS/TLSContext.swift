internal import COpenSSL
internal import CTLS
internal import FoundationEssentials
internal import OpenSSL

/// Everything that the connections of a listener share (SSL_CTX_new(3)): its certificate, its rules, its ticket keys.
///
/// Made once and never changed; a listener whose certificate is replaced gets another. Any thread.
public final class TLSContext: @unchecked Sendable {
    // Sendable: OpenSSL counts references to a context and locks what connections share of it; nothing is set after init.
    let raw: OpaquePointer
    private let allowedClients: [String]

    public init(_ configuration: TLSConfiguration) throws(TLSError) {
        allowedClients = configuration.allowedClients
        raw = try Self.doing("setting up TLS") { () throws(OpenSSLFailure) in try succeeding { ctls_make_context() } }
        // A failure from here on still runs deinit, since every property has its value.
        try useCertificate(configuration.certificate)
        try usePrivateKey(configuration.privateKey)
        try useSessions(configuration)
        try verifyClients(configuration)
    }

    deinit { SSL_CTX_free(raw) }

    /// Whether a client that proved to be this, or nobody, may ask here.
    func allows(_ identity: TLSIdentity?) -> Bool {
        allowedClients.isEmpty || identity?.matches(anyOf: allowedClients) == true
    }

    private static func doing<Value>(
        _ what: String, _ body: () throws(OpenSSLFailure) -> Value
    ) throws(TLSError) -> Value {
        do throws(OpenSSLFailure) {
            return try body()
        } catch {
            throw TLSError(doing: what, reason: error.sentence)
        }
    }

    private func useCertificate(_ pem: Data) throws(TLSError) {
        let raw = raw
        let isThere = try Self.doing("reading the certificate") { () throws(OpenSSLFailure) in
            let bio = try MemoryBIO(pem)
            guard let leaf = try Certificate.next(in: bio) else { return false }
            let leafRaw = leaf.raw
            try succeeding { SSL_CTX_use_certificate(raw, leafRaw) }
            while let next = try Certificate.next(in: bio) {
                let nextRaw = next.raw
                try succeeding { ctls_add_chain_certificate(raw, nextRaw) }
            }
            return true
        }
        guard isThere else { throw TLSError(doing: "reading the certificate", reason: "there is none in PEM") }
    }

    private func usePrivateKey(_ pem: Data) throws(TLSError) {
        let raw = raw
        try Self.doing("reading the private key") { () throws(OpenSSLFailure) in
            let key = try PrivateKey(pem: pem)
            let keyRaw = key.raw
            try succeeding { SSL_CTX_use_PrivateKey(raw, keyRaw) }
            try succeeding { SSL_CTX_check_private_key(raw) }
        }
    }

    private func useSessions(_ configuration: TLSConfiguration) throws(TLSError) {
        let raw = raw
        guard configuration.ticketKeys.allSatisfy({ $0.count == MemoryLayout<ctls_ticket_key>.size }) else {
            throw TLSError(
                doing: "setting the keys of session tickets",
                reason: "a key is not \(MemoryLayout<ctls_ticket_key>.size) bytes")
        }
        try Self.doing("setting up sessions") { () throws(OpenSSLFailure) in
            var digest = [UInt8](repeating: 0, count: 32)
            let name = Array(configuration.sessionContext.utf8)
            try succeeding { EVP_Digest(name, name.count, &digest, nil, EVP_sha256(), nil) }
            try succeeding { SSL_CTX_set_session_id_context(raw, digest, UInt32(digest.count)) }
            if configuration.ticketKeys.isEmpty {
                _ = SSL_CTX_set_options(raw, cossl_no_ticket)
                try succeeding { SSL_CTX_set_num_tickets(raw, 0) }
                return
            }
            var all = configuration.ticketKeys.reduce(into: Data()) { $0 += $1 }
            defer { all.resetBytes(in: all.startIndex..<all.endIndex) }
            try succeeding { () -> CInt in
                all.withUnsafeBytes { bytes in
                    ctls_set_ticket_keys(
                        raw, bytes.bindMemory(to: ctls_ticket_key.self).baseAddress, configuration.ticketKeys.count)
                }
            }
        }
    }

    private func verifyClients(_ configuration: TLSConfiguration) throws(TLSError) {
        guard configuration.clientPolicy != .none else { return }
        let doing = "reading the authority of clients"
        guard let pem = configuration.authority else { throw TLSError(doing: doing, reason: "none is given") }
        let raw = raw
        let count = try Self.doing(doing) { () throws(OpenSSLFailure) in
            let store = try succeeding { SSL_CTX_get_cert_store(raw) }
            let bio = try MemoryBIO(pem)
            var count = 0
            while let authority = try Certificate.next(in: bio) {
                let authorityRaw = authority.raw
                try succeeding { X509_STORE_add_cert(store, authorityRaw) }
                // Their names are sent, so that a client with several certificates finds the right one.
                try succeeding { SSL_CTX_add_client_CA(raw, authorityRaw) }
                count += 1
            }
            return count
        }
        guard count > 0 else { throw TLSError(doing: doing, reason: "there is no certificate in PEM") }
        let mode = SSL_VERIFY_PEER | (configuration.clientPolicy == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
        SSL_CTX_set_verify(raw, mode, nil)
    }
}

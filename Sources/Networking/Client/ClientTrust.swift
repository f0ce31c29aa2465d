internal import COpenSSL
internal import CTLS
internal import FoundationEssentials
internal import OpenSSL

/// Who a client is, whom it believes, and whom it must reach: what two requests must agree in to share a connection.
final class ClientTrust: @unchecked Sendable {
    // Sendable: nothing changes after init; OpenSSL counts references to what is shared and locks inside of a store.

    /// More than any PEM text of honest size has.
    private static let certificateLimit = 1000
    private static let textLimit = 4 << 20

    /// The same for the same texts, and for no others: a digest.
    let id: String
    /// Stands for `id` in TLS sessions; never 0.
    let tag: UInt64
    let expectation: PeerExpectation
    private let identity: ClientIdentity?
    private let store: TrustStore

    /// Reads the texts; no copy of the private key's remains, only OpenSSL's own key.
    convenience init(_ tls: HTTPClientTLS) throws(HTTPClientRefusal) {
        for text in [tls.certificate, tls.privateKey, tls.authority] where text.count > Self.textLimit {
            throw HTTPClientRefusal("A certificate, private key or authority is larger than \(Self.textLimit) bytes.")
        }
        guard !tls.expectedPeer.isEmpty else {
            throw HTTPClientRefusal(
                "A request over https needs an expected peer: whom the server's certificate must name.")
        }
        guard tls.certificate.isEmpty == tls.privateKey.isEmpty else {
            throw HTTPClientRefusal("A client certificate and its private key are given together or not at all.")
        }
        self.init(
            id: Self.digest(tls), expectation: try PeerExpectation(tls.expectedPeer),
            identity: tls.certificate.isEmpty ? nil : try ClientIdentity(tls), store: try TrustStore(tls.authority))
    }

    private init(id: String, expectation: PeerExpectation, identity: ClientIdentity?, store: TrustStore) {
        self.id = id
        tag = Self.tag(of: id)
        self.expectation = expectation
        self.identity = identity
        self.store = store
    }

    /// The same authorities for another peer, to whom nothing is shown.
    func anonymous(expecting other: PeerExpectation) -> ClientTrust {
        ClientTrust(id: "\(id) \(other)", expectation: other, identity: nil, store: store)
    }

    private static func tag(of id: String) -> UInt64 {
        var digest = [UInt8](repeating: 0, count: 32)
        let text = Array(id.utf8)
        EVP_Digest(text, text.count, &digest, nil, EVP_sha256(), nil)
        return max(1, digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// Tells these texts from all others.
    static func digest(_ tls: HTTPClientTLS) -> String {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var digest = [UInt8](repeating: 0, count: 32)
        EVP_DigestInit_ex(context, EVP_sha256(), nil)
        func add(_ bytes: UnsafeRawBufferPointer) {
            // Each with its length, so that no two lists of texts are the same bytes.
            withUnsafeBytes(of: bytes.count) { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
            if !bytes.isEmpty { _ = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }
        }
        var peer = tls.expectedPeer
        peer.withUTF8 { add(UnsafeRawBufferPointer($0)) }
        for text in [tls.certificate, tls.privateKey, tls.authority] { add(text) }
        EVP_DigestFinal_ex(context, &digest, nil)
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Sets up the context of one new connection, and ties `check` to it.
    func configure(_ context: OpaquePointer, _ check: PeerCheck) throws(OpenSSLFailure) {
        try succeeding {
            ctls_set_up_client(
                context, Unmanaged.passRetained(check).toOpaque(), tag,
                { owner, leaf, doubt in
                    guard let owner else { return 0 }
                    return Unmanaged<PeerCheck>.fromOpaque(owner)._withUnsafeGuaranteedRef { check in
                        if doubt != X509_V_OK { check.note(doubt) }
                        guard doubt == X509_V_OK, let leaf else { return 0 }
                        return check.accepts(leaf) ? 1 : 0
                    }
                }, { owner in owner.map { Unmanaged<PeerCheck>.fromOpaque($0).release() } })
        }
        // In place of the store that libcurl made, which it may share with other connections.
        let store = store.raw
        SSL_CTX_set1_cert_store(context, store)
        try identity?.use(in: context)
    }

    static func refusal(_ doing: String, _ failure: OpenSSLFailure) -> HTTPClientRefusal {
        HTTPClientRefusal("The \(doing) cannot be read: \(failure.sentence).")
    }

    /// All certificates of a PEM text.
    static func certificates(
        _ pem: UnsafeRawBufferPointer, _ what: String
    ) throws(HTTPClientRefusal) -> [HeldCertificate] {
        do throws(OpenSSLFailure) {
            let bio = try MemoryBIO(reading: pem)
            var found: [HeldCertificate] = []
            while found.count < certificateLimit, let next = try Certificate.next(in: bio) {
                found.append(HeldCertificate(next))
            }
            if !found.isEmpty { return found }
        } catch {
            throw refusal(what, error)
        }
        throw HTTPClientRefusal("The \(what) holds no certificate in PEM.")
    }
}

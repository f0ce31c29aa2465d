import COpenSSL
package import FoundationEssentials
import Glibc
import OpenSSL

/// A blocking TLS client on 127.0.0.1, by OpenSSL itself. Every wait ends after ten seconds.
package final class TLSClient {
    package struct Settings {
        package var trusted: Data
        package var identity: TestAuthority.Identity?
        /// The only version offered: `TLS1_2_VERSION`, `TLS1_3_VERSION`; nil: whatever OpenSSL offers.
        package var version: CInt?
        /// ALPN protocols offered.
        package var protocols: [String] = []
        package var session: Session?
        package var receiveBuffer: CInt?

        package init(trusted: Data) { self.trusted = trusted }
    }

    /// A session to resume.
    package final class Session: @unchecked Sendable {
        // Sendable: OpenSSL counts its references, and nothing of it is changed here.
        let raw: OpaquePointer
        init(_ raw: OpaquePointer) { self.raw = raw }
        deinit { SSL_SESSION_free(raw) }
    }

    /// What OpenSSL said where something failed.
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    private let context: OpaquePointer
    private let connection: OpaquePointer
    package let descriptor: CInt
    private var unread: [UInt8] = []

    /// Connects and shakes hands.
    package init(port: UInt16, _ settings: Settings) throws {
        descriptor = try Self.connect(port, settings.receiveBuffer)
        guard let context = SSL_CTX_new(TLS_client_method()), let connection = SSL_new(context) else {
            throw Failure(description: "no context")
        }
        (self.context, self.connection) = (context, connection)
        // SSL_new has copied the context's settings: everything is set on the connection.
        try trust(settings.trusted)
        if let identity = settings.identity { try show(identity) }
        if let version = settings.version {
            _ = SSL_ctrl(connection, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version), nil)
            _ = SSL_ctrl(connection, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
        }
        if !settings.protocols.isEmpty {
            let offered = settings.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            SSL_set_alpn_protos(connection, offered, UInt32(offered.count))
        }
        if let session = settings.session { SSL_set_session(connection, session.raw) }
        SSL_set_fd(connection, descriptor)
        ERR_clear_error()
        guard SSL_connect(connection) == 1 else { throw Self.failure("handshake") }
    }

    deinit {
        SSL_free(connection)
        SSL_CTX_free(context)
        close(descriptor)
    }

    private static func connect(_ port: UInt16, _ receiveBuffer: CInt?) throws -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(description: "connect: errno \(errno)") }
        return descriptor
    }

    private func trust(_ authority: Data) throws {
        let certificate = try Self.certificate(authority)
        let store = X509_STORE_new()
        let raw = certificate.raw
        X509_STORE_add_cert(store, raw)
        // The connection takes the store over.
        _ = SSL_ctrl(connection, SSL_CTRL_SET_VERIFY_CERT_STORE, 0, store.map { UnsafeMutableRawPointer($0) })
        SSL_set_verify(connection, SSL_VERIFY_PEER, nil)
    }

    private func show(_ identity: TestAuthority.Identity) throws {
        let certificate = try Self.certificate(identity.certificate)
        let key = try PrivateKey(pem: identity.privateKey)
        let (certificateRaw, keyRaw) = (certificate.raw, key.raw)
        guard SSL_use_certificate(connection, certificateRaw) == 1, SSL_use_PrivateKey(connection, keyRaw) == 1 else {
            throw Self.failure("using a certificate")
        }
    }

    private static func certificate(_ pem: Data) throws -> Certificate {
        guard let certificate = try Certificate.next(in: MemoryBIO(pem)) else {
            throw Failure(description: "no certificate")
        }
        return certificate
    }

    private static func failure(_ doing: String) -> Failure {
        Failure(description: "\(doing): \(OpenSSLFailure.take().sentence)")
    }

    // MARK: What the handshake came to

    package var isResumed: Bool { SSL_session_reused(connection) == 1 }
    package var version: String { String(cString: SSL_get_version(connection)) }

    package var chosenProtocol: String {
        var (data, length): (UnsafePointer<UInt8>?, UInt32) = (nil, 0)
        SSL_get0_alpn_selected(connection, &data, &length)
        return String(decoding: UnsafeBufferPointer(start: data, count: Int(length)), as: UTF8.self)
    }

    /// RFC 2253.
    package var serversSubject: String {
        SSL_get1_peer_certificate(connection).map { Certificate(owning: $0).subject } ?? ""
    }

    /// To be asked for after an answer was read: in TLS 1.3 the ticket comes with it.
    package var session: Session? { SSL_get1_session(connection).map { Session($0) } }

    /// The server has said that it sends no more.
    package var serverHasEnded: Bool { SSL_get_shutdown(connection) & SSL_RECEIVED_SHUTDOWN != 0 }

    // MARK: Bytes

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            ERR_clear_error()
            let count = bytes[sent...].withUnsafeBytes { SSL_write(connection, $0.baseAddress, CInt($0.count)) }
            guard count > 0 else { throw Self.failure("write") }
            sent += Int(count)
        }
    }

    /// Some bytes; empty at the end that the server has announced.
    package func receive() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        ERR_clear_error()
        let count = SSL_read(connection, &buffer, CInt(buffer.count))
        if count > 0 { return Array(buffer[..<Int(count)]) }
        guard serverHasEnded else { throw Self.failure("read, error \(SSL_get_error(connection, count))") }
        return []
    }

    /// Everything up to the end that the server has announced.
    package func receiveAll() throws -> [UInt8] {
        var all: [UInt8] = []
        while case let some = try receive(), !some.isEmpty { all += some }
        return all
    }

    /// One answer with a Content-Length.
    package func answer() throws -> (status: Int, head: String, body: [UInt8]) {
        while true {
            if let end = unread.firstRange(of: [13, 10, 13, 10]) {
                let head = String(decoding: unread[..<end.upperBound], as: UTF8.self)
                let length =
                    head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
                if unread.count >= end.upperBound + length {
                    let body = Array(unread[end.upperBound..<end.upperBound + length])
                    unread.removeFirst(end.upperBound + length)
                    return (Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0, head, body)
                }
            }
            let more = try receive()
            guard !more.isEmpty else { throw Failure(description: "the end comes before the answer") }
            unread += more
        }
    }

    /// Sends a request and reads the answer.
    package func exchange(_ request: String) throws -> (status: Int, head: String, body: [UInt8]) {
        try send(request)
        return try answer()
    }

    /// Says that nothing more is sent.
    package func end() { SSL_shutdown(connection) }
}

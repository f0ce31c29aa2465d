import COpenSSL
public import FoundationEssentials
import Glibc
import Locks
import OpenSSL

/// A server on 127.0.0.1, or another address of this machine, that does exactly what a test says, to the byte: each connection has a thread and is closed when
/// the script returns or throws.
public final class ScriptedServer: Sendable {
    public typealias Script = @Sendable (ServerConnection) throws -> Void

    /// What the server shows, and whom it asks for a certificate.
    public struct TLS: Sendable {
        public var identity: TestIssuer.Identity
        /// PEM; nil: clients show none.
        public var clientAuthority: Data?
        /// Whether clients that show none are refused.
        public var needsCertificate: Bool

        public init(_ identity: TestIssuer.Identity, clientAuthority: Data? = nil, needsCertificate: Bool = true) {
            self.identity = identity
            self.clientAuthority = clientAuthority
            self.needsCertificate = needsCertificate
        }
    }

    private struct State {
        var accepted = 0
        var isStopped = false
    }

    public let port: UInt16
    private let listener: CInt
    private let tls: TLSServerContext?
    private let script: Script
    private let state = Locked(State())

    /// - Parameters:
    ///   - host: an IPv4 address of this machine.
    ///   - port: 0: a free one.
    public init(
        _ tls: TLS? = nil, at host: String = "127.0.0.1", port wanted: UInt16 = 0, script: @escaping Script
    ) throws {
        self.tls = try tls.map(TLSServerContext.init)
        self.script = script
        // OpenSSL writes to sockets that clients have closed; a worker ignores the signal, too.
        signal(SIGPIPE, SIG_IGN)
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = wanted.bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw ServerFailure("no address: \(host)") }
        var reuses: CInt = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuses, socklen_t(MemoryLayout<CInt>.size))
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (number, listener) = (listener, listener)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(number, address, length) == 0 && Glibc.listen(number, 1024) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard isListening else { throw ServerFailure("listen: errno \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
        TestThread.start { [self] in accept() }
    }

    /// `http://127.0.0.1:port` and a path.
    public func url(_ path: String = "/") -> String { "\(tls == nil ? "http" : "https")://127.0.0.1:\(port)\(path)" }

    /// Connections so far.
    public var accepted: Int { state.withLock { $0.accepted } }

    /// Accepts no more; what is open goes on.
    public func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        if isFirst { shutdown(listener, CInt(SHUT_RDWR)) }
    }

    private func accept() {
        while true {
            let connection = Glibc.accept(listener, nil, nil)
            guard connection >= 0 else {
                close(listener)
                return
            }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            state.withLock { $0.accepted += 1 }
            TestThread.start { [self] in
                do {
                    try script(try ServerConnection(connection, tls))
                } catch {
                    // The client's to notice.
                }
            }
        }
    }
}

public struct ServerFailure: Error, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

/// One connection of a scripted server. Every wait ends after twenty seconds.
public final class ServerConnection {
    private let descriptor: CInt
    private let tls: OpaquePointer?
    private var unread: [UInt8] = []

    fileprivate init(_ descriptor: CInt, _ context: TLSServerContext?) throws {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        tls = context.flatMap { SSL_new($0.raw) }
        if let tls {
            SSL_set_fd(tls, descriptor)
            guard SSL_accept(tls) == 1 else {
                let reason = OpenSSLFailure.take().sentence
                // Bytes that nobody has read would turn the close into a reset, and the client would miss the alert.
                shutdown(descriptor, CInt(SHUT_WR))
                var byte: UInt8 = 0
                while recv(descriptor, &byte, 1, 0) > 0 {}
                throw ServerFailure("handshake: \(reason)")
            }
        }
    }

    deinit {
        if let tls {
            SSL_shutdown(tls)
            SSL_free(tls)
        }
        close(descriptor)
    }

    /// The subject of the client's certificate; nil: it showed none.
    public var clientSubject: String? {
        guard let tls, let raw = SSL_get1_peer_certificate(tls) else { return nil }
        return Certificate(owning: raw).subject
    }

    /// Whether the handshake was that of a resumed session.
    public var isResumed: Bool { tls.map { SSL_session_reused($0) == 1 } ?? false }

    /// Breaks the connection off without a proper end.
    public func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        shutdown(descriptor, CInt(SHUT_RDWR))
    }

    /// A request's head, with the empty line that ends it.
    public func readHead() throws -> String {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) { head += try read(1) }
        return String(decoding: head, as: UTF8.self)
    }

    /// A request: its head, and its body by Content-Length or chunks.
    public func readRequest() throws -> (head: String, body: [UInt8]) {
        let head = try readHead()
        if let length = Self.field("content-length", in: head).flatMap({ Int($0) }) {
            return (head, try read(length))
        }
        return (head, [])
    }

    public static func field(_ name: String, in head: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() where line.lowercased().hasPrefix("\(name):") {
            return String(line.dropFirst(name.utf8.count + 1).drop { $0 == " " })
        }
        return nil
    }

    public func read(_ count: Int) throws -> [UInt8] {
        while unread.count < count {
            let more = try readSome()
            guard !more.isEmpty else { throw ServerFailure("the client closed") }
            unread += more
        }
        defer { unread.removeFirst(count) }
        return Array(unread.prefix(count))
    }

    /// Returns when the client has closed its side.
    public func waitForClose() { while let more = try? readSome(), !more.isEmpty {} }

    private func readSome() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count =
                if let tls { Int(SSL_read(tls, &buffer, CInt(buffer.count))) } else {
                    recv(descriptor, &buffer, buffer.count, 0)
                }
            if count >= 0 { return Array(buffer.prefix(count)) }
            guard errno == EINTR else { throw ServerFailure("receive: errno \(errno)") }
        }
    }

    /// Carries bytes both ways until either side ends.
    public func relay(
        to send: @escaping ([UInt8]) throws -> Void, from receive: @escaping () throws -> [UInt8]
    ) throws {
        let back = Relay(descriptor: descriptor, receive: receive)
        TestThread.start { back.run() }
        while let more = try? readSome(), !more.isEmpty { try send(more) }
        // Ends the other way as well, so that nothing of it is left.
        shutdown(descriptor, CInt(SHUT_RDWR))
        while !back.hasEnded.withLock({ $0 }) { usleep(1000) }
    }

    private final class Relay: @unchecked Sendable {
        // Sendable: `receive` is called on one thread.
        let descriptor: CInt
        let receive: () throws -> [UInt8]
        let hasEnded = Locked(false)

        init(descriptor: CInt, receive: @escaping () throws -> [UInt8]) {
            self.descriptor = descriptor
            self.receive = receive
        }

        func run() {
            while let more = try? receive(), !more.isEmpty, send(descriptor, more, more.count, CInt(MSG_NOSIGNAL)) > 0 {
            }
            shutdown(descriptor, CInt(SHUT_WR))
            hasEnded.withLock { $0 = true }
        }
    }

    public func write(_ text: String) throws { try write(Array(text.utf8)) }

    public func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { left in
                if let tls {
                    Int(SSL_write(tls, left.baseAddress, CInt(left.count)))
                } else {
                    send(descriptor, left.baseAddress, left.count, CInt(MSG_NOSIGNAL))
                }
            }
            guard count > 0 else { throw ServerFailure("send: errno \(errno)") }
            sent += count
        }
    }

    /// An answer with Content-Length.
    public func answer(_ status: String = "200 OK", _ fields: [String] = [], body: [UInt8] = []) throws {
        let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + fields
        try write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }

    public func answer(_ status: String = "200 OK", _ fields: [String] = [], text: String) throws {
        try answer(status, fields, body: Array(text.utf8))
    }
}

/// A server's SSL_CTX.
private final class TLSServerContext: @unchecked Sendable {
    // Sendable: nothing is set after init, and OpenSSL counts references to it.
    let raw: OpaquePointer

    init(_ tls: ScriptedServer.TLS) throws {
        raw = try succeeding { SSL_CTX_new(TLS_server_method()) }
        let raw = raw
        let bio = try MemoryBIO(tls.identity.certificate)
        guard let leaf = try Certificate.next(in: bio) else { throw ServerFailure("no certificate") }
        let key = try PrivateKey(pem: tls.identity.privateKey)
        let (leafRaw, keyRaw) = (leaf.raw, key.raw)
        try succeeding { SSL_CTX_use_certificate(raw, leafRaw) }
        try succeeding { SSL_CTX_use_PrivateKey(raw, keyRaw) }
        while let next = try Certificate.next(in: bio) {
            let nextRaw = next.raw
            // SSL_CTX_add1_chain_cert, a macro.
            try succeeding { CInt(SSL_CTX_ctrl(raw, SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(nextRaw))) }
        }
        try succeeding { SSL_CTX_set_session_id_context(raw, "tests", 5) }
        guard let pem = tls.clientAuthority else { return }
        guard let authority = try Certificate.next(in: try MemoryBIO(pem)) else { throw ServerFailure("no authority") }
        let authorityRaw = authority.raw
        try succeeding { X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), authorityRaw) }
        SSL_CTX_set_verify(
            raw, SSL_VERIFY_PEER | (tls.needsCertificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nil)
    }

    deinit { SSL_CTX_free(raw) }
}

/// A thread for what blocks: tests run on a pool that must not be filled.
public enum TestThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    public static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(body))
        let status = pthread_create(
            &thread, nil,
            { context in
                context.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        precondition(status == 0, "no thread for a test")
        pthread_detach(thread)
    }
}

internal import COpenSSL
internal import Fleet
internal import FoundationEssentials
internal import Glibc
internal import OpenSSL

/// A TLS handshake that believes whatever it is shown, for the sake of the certificates (SSL_get_peer_cert_chain(3)).
enum TLSProbe {
    static func chain(of server: ServerAddress, timeout: Duration) throws(EnrolmentFailure) -> CertificateChain {
        let socket = try ProbeSocket(server, timeout: timeout)
        guard let context = SSL_CTX_new(TLS_client_method()), let connection = SSL_new(context) else {
            throw EnrolmentFailure(.local, "TLS cannot be set up: \(OpenSSLFailure.take().sentence)")
        }
        defer {
            SSL_free(connection)
            SSL_CTX_free(context)
        }
        guard let (incoming, outgoing) = attach(connection, server) else {
            throw EnrolmentFailure(.local, "TLS cannot be set up: \(OpenSSLFailure.take().sentence)")
        }
        var isFirst = true
        while true {
            ERR_clear_error()
            let status = SSL_connect(connection)
            let code = SSL_get_error(connection, status)
            let reason = OpenSSLFailure.take().sentence
            try socket.send(contents(outgoing))
            if status == 1 { return copy(SSL_get_peer_cert_chain(connection)) }
            guard code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE else {
                throw EnrolmentFailure(
                    .notTLS, "no TLS connection came about with \(server): \(reason)",
                    advice: "Check that a company server answers there: something in between may change what passes.")
            }
            let bytes = try socket.receive()
            guard let first = bytes.first else {
                throw EnrolmentFailure(
                    .notTLS, "\(server) closed the connection before it said who it is",
                    advice: "Check that a company server answers there.")
            }
            // A record of the handshake or an alert (RFC 8446 section 5.1).
            guard !isFirst || first == 0x16 || first == 0x15 else {
                throw EnrolmentFailure(
                    .notTLS, "what answers at \(server) does not speak TLS: it is no company server",
                    advice: "Compare the address and port with the company server's.")
            }
            isFirst = false
            let written = bytes.withUnsafeBytes { BIO_write(incoming, $0.baseAddress, CInt($0.count)) }
            guard written == bytes.count else {
                throw EnrolmentFailure(.local, "TLS cannot go on: \(OpenSSLFailure.take().sentence)")
            }
        }
    }

    /// Two BIOs over memory, which the connection owns, so that bytes pass through our hands alone.
    private static func attach(
        _ connection: OpaquePointer, _ server: ServerAddress
    ) -> (incoming: OpaquePointer, outgoing: OpaquePointer)? {
        guard let incoming = BIO_new(BIO_s_mem()) else { return nil }
        guard let outgoing = BIO_new(BIO_s_mem()) else {
            BIO_free(incoming)
            return nil
        }
        // Nothing to read now is not the end (BIO_set_mem_eof_return, a macro).
        BIO_ctrl(incoming, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        SSL_set_bio(connection, incoming, outgoing)
        SSL_set_verify(connection, SSL_VERIFY_NONE, nil)
        SSL_ctrl(connection, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        var name = Array(server.host.utf8CString)
        var numeric = [UInt8](repeating: 0, count: 16)
        let isNumber =
            inet_pton(AF_INET, server.host, &numeric) == 1 || inet_pton(AF_INET6, server.host, &numeric) == 1
        // SSL_set_tlsext_host_name, a macro; RFC 6066 section 3 allows no numbers.
        if !isNumber {
            SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), &name)
        }
        return (incoming, outgoing)
    }

    private static func contents(_ bio: OpaquePointer) -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while case let count = BIO_read(bio, &piece, CInt(piece.count)), count > 0 { all += piece.prefix(Int(count)) }
        return all
    }

    private static func copy(_ stack: OpaquePointer?) -> CertificateChain {
        let chain = CertificateChain()
        guard let stack else { return chain }
        for index in 0..<min(CInt(CertificateChain.limit), max(0, OPENSSL_sk_num(stack))) {
            guard let shown = OPENSSL_sk_value(stack, index), let raw = X509_dup(OpaquePointer(shown)) else { continue }
            chain.append(Certificate(owning: raw))
        }
        return chain
    }
}

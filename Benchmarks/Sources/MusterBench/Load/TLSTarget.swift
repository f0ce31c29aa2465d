import CBench

/// What TLS clients ask for, one connection after the other.
struct TLSTarget {
    var port: UInt16
    var identity: TLSFiles
    var path: String

    /// How many connections were made, and how many of them took up a former session.
    struct Connections {
        var count: Int
        var resumed: Int
    }

    /// The body of one answer.
    func get() throws -> [UInt8] {
        var body = [UInt8](repeating: 0, count: 4 << 20)
        var failure = failureText
        let count = body.count
        let length = withTarget { target in cbench_tls_get(target, &body, count, &failure) }
        guard length >= 0 else { throw BenchError("127.0.0.1:\(port): \(Self.text(failure))") }
        return Array(body.prefix(length))
    }

    /// Connects for so long, with a handshake and one request each time.
    func connect(resumes: Bool, seconds: Double) throws -> Connections {
        var tally = cbench_tls_tally()
        let status = withTarget { target in
            cbench_tls_connections(target, resumes ? 1 : 0, UInt64(seconds * 1e9), &tally)
        }
        guard status == 0 else {
            throw BenchError("127.0.0.1:\(port): \(withUnsafeBytes(of: tally.failure) { Self.text(Array($0)) })")
        }
        return Connections(count: Int(clamping: tally.connections), resumed: Int(clamping: tally.resumed))
    }

    private var failureText: [CChar] { [CChar](repeating: 0, count: 256) }

    private func withTarget<Result>(_ body: (UnsafePointer<cbench_tls_target>) -> Result) -> Result {
        identity.authority.withCString { authority in
            path.withCString { path in
                var target = cbench_tls_target(port: port, authority: authority, path: path)
                return body(&target)
            }
        }
    }

    private static func text(_ bytes: [CChar]) -> String { text(bytes.map { UInt8(bitPattern: $0) }) }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
}

import Glibc

@testable import MusterBench

/// A server on 127.0.0.1 that treats each connection in turn as it was told, once.
final class ScriptedServer: Sendable {
    enum Act: Sendable {
        /// Reads a request, writes these bytes, and closes.
        case answer(String)
        /// Reads a request and closes.
        case close
        /// Reads a request and resets the connection.
        case reset
        /// Reads a request and says nothing until the client gives up.
        case silence
    }

    let endpoint: Endpoint
    private let listener: Int32
    private let thread: OSThread

    init(_ acts: [Act]) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0, Endpoint(port: 0).withSocketAddress({ bind(listener, $0, $1) }) == 0,
            listen(listener, 16) == 0
        else { throw BenchError("no listener: \(describe(errno: errno))") }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &length) }
        }
        endpoint = Endpoint(port: UInt16(bigEndian: address.sin_port))
        self.listener = listener
        thread = try OSThread { for act in acts { Self.serve(act, listener) } }
    }

    /// Waits until every act was played.
    func finish() {
        thread.join()
        close(listener)
    }

    private static func serve(_ act: Act, _ listener: Int32) {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        defer { Glibc.close(connection) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        // One segment: the client's request is small.
        _ = recv(connection, &buffer, buffer.count, 0)
        switch act {
        case .answer(let text): write(text, to: connection)
        case .close: break
        case .reset:
            var hard = linger(l_onoff: 1, l_linger: 0)
            setsockopt(connection, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
        case .silence: _ = recv(connection, &buffer, buffer.count, 0)
        }
    }

    private static func write(_ text: String, to connection: Int32) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes {
            send(connection, $0.baseAddress, $0.count, Int32(truncatingIfNeeded: MSG_NOSIGNAL))
        }
    }
}

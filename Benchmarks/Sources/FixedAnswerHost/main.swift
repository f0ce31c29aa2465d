import Glibc
import NIOPosix
import Networking

// The handler of the plugin FixedAnswer compiled into a server: the same Networking with one event loop, the same answer,
// and no plugin ABI between. Takes the port; serves until SIGTERM.

var stopSignals = sigset_t()
sigemptyset(&stopSignals)
sigaddset(&stopSignals, SIGTERM)
sigaddset(&stopSignals, SIGINT)
// Before the first thread, so that none but this one takes them.
pthread_sigmask(SIG_BLOCK, &stopSignals, nil)

guard let port = CommandLine.arguments.dropFirst().first.flatMap({ UInt16($0) }) else {
    fail("usage: fixed-answer-host PORT", status: 64)
}

do {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loops = HTTPLoops(group: group)
    let pulse = LoopPulse(group: group)
    let server = HTTPServer(loops: loops, limits: HTTPLimits(), handler: FixedAnswer(loops: loops))
    try server.adopt(descriptor: boundSocket(port: port))
    server.startAccepting()
    var number: CInt = 0
    sigwait(&stopSignals, &number)
    server.close()
    withExtendedLifetime(pulse) {}
    exit(0)
} catch {
    fail("fixed-answer-host: \(error)", status: 1)
}

func fail(_ text: String, status: CInt) -> Never {
    let bytes = Array((text + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(status)
}

/// A listening socket on 127.0.0.1.
func boundSocket(port: UInt16) throws -> CInt {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw SocketFailure(step: "socket", number: errno) }
    var yes: CInt = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard status == 0 else { throw SocketFailure(step: "bind to port \(port)", number: errno) }
    guard listen(descriptor, 4096) == 0 else { throw SocketFailure(step: "listen", number: errno) }
    return descriptor
}

struct SocketFailure: Error {
    var step: String
    var number: CInt
}

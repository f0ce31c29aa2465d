import CLinux
import ControlProtocol
import Glibc

/// The supervisor's control socket, for `muster status` and `muster reload`: for root and the host's own user alone.
final class ControlServer {
    /// More at a time wait in the socket's backlog.
    static let clientLimit = 32

    /// One connection.
    final class Client {
        let id: ClientID
        let channel: ControlChannel

        init(id: ClientID, channel: ControlChannel) {
            self.id = id
            self.channel = channel
        }
    }

    let path: String
    let descriptor: Descriptor
    private(set) var clients: [ClientID: Client] = [:]
    private var lastID: ClientID = 0

    /// Binds the socket, 0600 from its first moment. One that is left from a host that was killed is replaced.
    init(path: String) throws(Refusal) {
        self.path = path
        let (address, length) = try Self.address(path)
        do throws(SystemError) {
            try Files.makeDirectory(Files.directory(of: path), mode: 0o755)
            try Self.removeStale(path, address, length)
            descriptor = try Self.bind(path, address, length)
        } catch {
            throw Refusal(reason: "cannot make the control socket: \(error)")
        }
    }

    deinit { _ = unlink(path) }

    private static func address(_ path: String) throws(Refusal) -> (sockaddr_un, socklen_t) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { field in
            guard path.utf8.count < field.count, !path.utf8.contains(0) else { return false }
            field.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { throw Refusal(reason: "the path of the control socket is too long (107 bytes): \(path)") }
        return (address, socklen_t(MemoryLayout<sockaddr_un>.size))
    }

    private static func removeStale(
        _ path: String, _ address: sockaddr_un, _ length: socklen_t
    ) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw SystemError("\(path) is in the way and is no socket", number: EEXIST)
        }
        let probe = try makeSocket()
        let isAnswered = withPointer(address) { Glibc.connect(probe.rawValue, $0, length) } == 0 || errno == EAGAIN
        guard !isAnswered else { throw SystemError("another host answers at \(path)", number: EADDRINUSE) }
        try retrying("removing \(path), left by a host that is gone") { unlink(path) }
    }

    private static func bind(
        _ path: String, _ address: sockaddr_un, _ length: socklen_t
    ) throws(SystemError) -> Descriptor {
        let descriptor = try makeSocket()
        // Linux gives the file the socket's own mode, less the umask: from its first moment it is nobody else's. The umask
        // would do as well, but it is the whole process's.
        try retrying("restricting \(path)") { fchmod(descriptor.rawValue, 0o600) }
        let status = withPointer(address) { Glibc.bind(descriptor.rawValue, $0, length) }
        guard status == 0 else { throw SystemError("binding \(path)") }
        try retrying("listening at \(path)") { listen(descriptor.rawValue, 64) }
        return descriptor
    }

    private static func makeSocket() throws(SystemError) -> Descriptor {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return Descriptor(owning: try retrying("making a socket") { socket(AF_UNIX, type, 0) })
    }

    private static func withPointer(_ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>) -> CInt) -> CInt {
        withUnsafePointer(to: address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }

    // MARK: Clients

    var hasRoom: Bool { clients.count < Self.clientLimit }

    /// Takes the connections that wait. Answers those that were turned away, by user.
    func accept() -> [UInt32] {
        var refused: [UInt32] = []
        while hasRoom {
            let number = Glibc.accept(descriptor.rawValue, nil, nil)
            guard number >= 0 else { break }
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
            let connection = Descriptor(owning: number)
            var process: Int32 = 0
            var user: UInt32 = 0
            var group: UInt32 = 0
            guard clinux_peer_credentials(number, &process, &user, &group) == 0 else { continue }
            guard user == 0 || user == geteuid() else {
                refused.append(user)
                continue
            }
            lastID += 1
            clients[lastID] = Client(id: lastID, channel: ControlChannel(connection))
        }
        return refused
    }

    /// Sends an answer; a client that does not take it is let go.
    func answer(_ id: ClientID, _ response: ControlResponse) {
        guard let client = clients[id] else { return }
        do {
            try client.channel.send(response)
        } catch {
            clients[id] = nil
        }
    }

    func remove(_ id: ClientID) { clients[id] = nil }
}

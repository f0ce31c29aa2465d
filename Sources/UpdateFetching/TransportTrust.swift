import Fleet
import Glibc
import Locks
public import PluginKit
public import UpdateTrust

/// How a server of updates is known, and what is shown to it. Files are read again when they have changed: certificates
/// are renewed under a component. What plain http needs of it is nothing.
public final class TransportTrust: Sendable {
    /// The system's authorities, the host of the URL, and no certificate of our own.
    public static let system = TransportTrust()

    private let authority: String?
    private let identity: IdentityFolder?
    private let peer: String?
    private let known = Locked<[String: Known]>([:])

    private struct Known {
        var state: FileStamp
        var bytes: [UInt8]
        var key: [UInt8] = []
    }

    /// - Parameters:
    ///   - authority: a file in PEM: who alone vouches for the server; nil: those the system trusts, or the fleet's where
    ///     there is an identity.
    ///   - peer: whom to expect: a name, a number or a URI of the certificate; nil: the host of the URL.
    ///   - identity: the folder of an identity, as `muster enroll` makes it; nil: nothing is shown.
    public init(authority: Path? = nil, peer: String? = nil, identity: Path? = nil) {
        self.authority = authority?.string
        self.peer = peer
        self.identity = identity.map { IdentityFolder(path: $0.string) }
    }

    /// Whether `tls` reads files, and so may block.
    public var readsFiles: Bool { authority != nil || identity != nil }

    /// nil for http. Blocks where files are read. Throws a `TransportFailure` of the cause `certificate`.
    public func tls(for url: String) throws(TransportFailure) -> HTTPRequest.TLS? {
        guard url.hasPrefix("https://") else { return nil }
        var tls = HTTPRequest.TLS(expecting: peer ?? Self.host(of: url))
        if let identity {
            let shown = try read(identity.identityPath) { path throws(TransportFailure) in
                do throws(FleetIdentityError) {
                    let read = try identity.read()
                    return (read.certificate, read.privateKey)
                } catch {
                    throw TransportFailure(.certificate, "the identity cannot be shown to \(url): \(error)")
                }
            }
            tls.identity = .init(certificate: shown.bytes, privateKey: shown.key)
        }
        if let path = authority ?? identity?.authorityPath {
            tls.authority = try read(path) { path throws(TransportFailure) in (try Self.pem(path), []) }.bytes
        }
        return tls
    }

    private func read(
        _ path: String, _ read: (String) throws(TransportFailure) -> (bytes: [UInt8], key: [UInt8])
    ) throws(TransportFailure) -> Known {
        guard let state = FileStamp(of: path) else {
            throw TransportFailure(
                .certificate, "\(path) cannot be read: \(SystemError(errno, doing: "look at it").reason)")
        }
        if let known = known.withLock({ $0[path] }), known.state == state { return known }
        let (bytes, key) = try read(path)
        let found = Known(state: state, bytes: bytes, key: key)
        known.withLock { $0[path] = found }
        return found
    }

    private static func pem(_ path: String) throws(TransportFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw TransportFailure(
                .certificate, "\(path) cannot be read: \(SystemError(errno, doing: "open it").reason)")
        }
        do {
            return try OpenFile(owning: descriptor).read(pemLimit, at: 0)
        } catch {
            throw TransportFailure(.certificate, "\(path) cannot be read: \(error)")
        }
    }

    /// Bytes of a file of authorities: one has some two thousand.
    private static let pemLimit = 1 << 20

    /// The host of a URL, without brackets and port.
    static func host(of url: String) -> String {
        let rest = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        let authority = rest.count > 2 ? rest[2].prefix { $0 != "/" && $0 != "?" && $0 != "#" } : ""
        if authority.first == "[" { return String(authority.dropFirst().prefix { $0 != "]" }) }
        return String(authority.prefix { $0 != ":" })
    }
}

/// What tells one content of a file from the next.
struct FileStamp: Equatable {
    var inode: UInt64
    var seconds: Int
    var nanoseconds: Int
    var size: Int64

    /// nil where it cannot be looked at: see errno.
    init?(of path: String) {
        var state = stat()
        guard stat(path, &state) == 0 else { return nil }
        inode = UInt64(state.st_ino)
        (seconds, nanoseconds) = (Int(state.st_mtim.tv_sec), Int(state.st_mtim.tv_nsec))
        size = Int64(state.st_size)
    }
}

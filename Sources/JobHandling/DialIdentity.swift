import Fleet
import Glibc
import Locks
public import PluginKit

/// What a component shows when it dials out, read again when its file has changed: certificates are renewed under it.
public final class DialIdentity: Sendable {
    public struct Material: Sendable {
        /// PEM: what is shown.
        public var identity: HTTPRequest.Identity
        /// PEM: who vouches for the other end.
        public var authority: [UInt8]

        public init(identity: HTTPRequest.Identity, authority: [UInt8]) {
            self.identity = identity
            self.authority = authority
        }
    }

    private struct Stamp: Equatable {
        var inode: UInt64
        var modified: Int
        var nanoseconds: Int
    }

    private let path: String
    private let read: @Sendable () throws -> Material
    private let known = Locked<(stamp: Stamp, material: Material)?>(nil)

    /// - Parameters:
    ///   - path: the file that is replaced when the identity is.
    ///   - read: reads it; may block.
    public init(path: String, read: @escaping @Sendable () throws -> Material) {
        self.path = path
        self.read = read
    }

    /// Blocks where it has to be read.
    func current() throws -> Material {
        var state = stat()
        guard stat(path, &state) == 0 else { throw SystemError(errno, doing: "look at \(path)") }
        let stamp = Stamp(
            inode: UInt64(state.st_ino), modified: state.st_mtim.tv_sec, nanoseconds: state.st_mtim.tv_nsec)
        if let known = known.withLock({ $0 }), known.stamp == stamp { return known.material }
        let material = try read()
        known.withLock { $0 = (stamp, material) }
        return material
    }

    func tls(expecting peer: String) throws -> HTTPRequest.TLS {
        let material = try current()
        return HTTPRequest.TLS(expecting: peer, authority: material.authority, identity: material.identity)
    }
}

extension DialIdentity {
    /// That of an identity's folder, as `muster enroll` makes it.
    public convenience init(folder path: Path) {
        let folder = IdentityFolder(path: path.string)
        self.init(path: folder.identityPath) {
            let identity = try folder.read()
            return Material(
                identity: HTTPRequest.Identity(certificate: identity.certificate, privateKey: identity.privateKey),
                authority: identity.authority)
        }
    }
}

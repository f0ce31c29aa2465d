internal import ControlProtocol
internal import Glibc
internal import Locks

/// Notices that a plugin has closed the socket of a raw listener while it was to accept on it: then nobody does.
///
/// One that was shut down is not noticed here: the supervisor sees that, and lets it listen again.
final class RawSocketWatch: Sendable {
    private struct State {
        var sockets: [(listener: String, descriptor: Descriptor)] = []
        var isAccepting = false
    }

    private let state = Locked(State())

    func add(_ listener: String, _ descriptors: [Descriptor]) {
        state.withLock { $0.sockets += descriptors.map { (listener, $0) } }
    }

    func setAccepting(_ isAccepting: Bool) { state.withLock { $0.isAccepting = isAccepting } }

    /// A listener whose socket is not one any more; nil: all is well. [any thread]
    var lostListener: String? {
        state.withLock { state in
            guard state.isAccepting else { return nil }
            return state.sockets.first { !Self.isSocket($0.descriptor.rawValue) }?.listener
        }
    }

    private static func isSocket(_ descriptor: CInt) -> Bool {
        var type: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0
    }
}

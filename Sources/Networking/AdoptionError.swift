internal import Glibc

/// A descriptor that cannot be served.
public struct AdoptionError: Error, CustomStringConvertible {
    public let description: String

    /// Throws, and closes it, unless the descriptor is a stream socket that listens.
    static func check(_ descriptor: CInt) throws(AdoptionError) {
        var isListening: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        let status = getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length)
        if status == 0, isListening == 1 { return }
        let reason = status == 0 ? "it does not listen" : String(cString: strerror(errno))
        if descriptor >= 0 { close(descriptor) }
        throw AdoptionError(description: "descriptor \(descriptor) is not a listening socket: \(reason)")
    }
}

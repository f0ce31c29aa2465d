import Glibc
import Locks
import UpdateTrust

/// Serves repositories from memory, by the base of their URL.
final class MemoryTransport: UpdateTransport {
    struct State: Sendable {
        var files: [String: [String: [UInt8]]] = [:]
        /// Every request, in order.
        var requests: [String] = []
        /// Bases that fail.
        var broken: [String: TransportFailure] = [:]
        /// How many bytes of a file come until the connection breaks, by the end of its URL; once.
        var cuts: [String: Int] = [:]
        /// Where downloads began, by the end of the URL.
        var offsets: [(url: String, offset: UInt64)] = []
        /// errno of a write; nil: disks have room.
        var systemError: Int32?
    }

    let state = Locked(State())

    func serve(_ vendor: Vendor, at base: String = "http://one") {
        let files = vendor.files
        state.withLock { $0.files[base] = files }
    }

    func serve(_ bytes: [UInt8], as path: String, at base: String = "http://one") {
        state.withLock { $0.files[base, default: [:]][path] = bytes }
    }

    var requests: [String] { state.withLock { $0.requests } }
    func forget() { state.withLock { $0.requests = [] } }

    func fetch(_ url: String, upTo limit: Int) async throws(TransportFailure) -> [UInt8] {
        let bytes = try find(url)
        guard bytes.count <= limit else { throw TransportFailure(.tooLarge, "\(url) is larger than \(limit) bytes") }
        return bytes
    }

    func download(
        _ url: String, to file: Int32, from offset: UInt64, upTo limit: UInt64,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(TransportFailure) {
        let bytes = try find(url)
        let (cut, systemError) = state.withLock { state -> (Int?, Int32?) in
            state.offsets.append((url, offset))
            let key = state.cuts.keys.first { url.hasSuffix($0) }
            return (key.flatMap { state.cuts.removeValue(forKey: $0) }, state.systemError)
        }
        if let systemError { throw TransportFailure(.storage, "No space left on device", systemError: systemError) }
        guard offset <= UInt64(bytes.count) else { throw TransportFailure(.notResumed, "\(url) is shorter") }
        let rest = Array(bytes.dropFirst(Int(offset)).prefix(cut ?? .max))
        guard UInt64(rest.count) <= limit else { throw TransportFailure(.tooLarge, "\(url) is larger") }
        _ = pwrite(file, rest, rest.count, off_t(offset))
        if cut != nil { throw TransportFailure(.unreachable, "\(url): the connection broke") }
    }

    private func find(_ url: String) throws(TransportFailure) -> [UInt8] {
        let found = state.withLock { state -> Result<[UInt8], TransportFailure> in
            state.requests.append(url)
            if let broken = state.broken.first(where: { url.hasPrefix($0.key + "/") })?.value {
                return .failure(broken)
            }
            for (base, files) in state.files where url.hasPrefix(base + "/") {
                if let bytes = files[String(url.dropFirst(base.count + 1))] { return .success(bytes) }
            }
            return .failure(TransportFailure(.notFound, "\(url) is not there", status: 404))
        }
        return try found.get()
    }
}

internal import Fleet
import Glibc
import Locks
import PluginKit

/// The client's line to the company server: HTTPS that it opens, to `muster:server` alone.
final class Uplink: Sendable {
    /// Why a request has no answer that was hoped for.
    struct Failure: Error, Sendable, CustomStringConvertible {
        /// What the server said; nil: it was not reached.
        var problem: Problem?
        var message: String
        var retryAfter: Duration?

        var description: String { message }
    }

    private struct Known {
        var stamp: FileStamp
        var identity: FleetIdentity
    }

    private let client: HTTPClient
    let folder: IdentityFolder
    private let known = Locked<Known?>(nil)

    init(client: HTTPClient, folder: IdentityFolder) {
        self.client = client
        self.folder = folder
    }

    /// Who this machine is at present; read again when its file changed.
    func identity() throws(FleetIdentityError) -> FleetIdentity {
        let stamp = FileStamp(folder.identityPath)
        if let known = known.withLock({ $0 }), let stamp, known.stamp == stamp { return known.identity }
        let identity = try folder.read()
        if let stamp { known.withLock { $0 = Known(stamp: stamp, identity: identity) } }
        return identity
    }

    /// Posts a value and reads the answer; nil for 204.
    /// - Parameter wait: how long the server may hold the request open.
    func post<Reply: Decodable & Sendable>(
        _ path: String, _ value: some Encodable & Sendable, as type: Reply.Type = Reply.self, wait: Duration = .zero
    ) async throws -> Reply? {
        let identity: FleetIdentity
        do {
            identity = try self.identity()
        } catch {
            throw Failure(message: "\(error)")
        }
        var request = HTTPRequest(
            "https://\(try identity.profile.serverAddress)\(path)", method: "POST",
            headers: ["Content-Type": "application/json"], body: .bytes(try FleetJSON.encode(value)),
            tls: .init(
                expecting: "muster:server", authority: identity.authority,
                identity: .init(certificate: identity.certificate, privateKey: identity.privateKey)))
        request.connectTimeout = .seconds(10)
        request.stallTimeout = wait + .seconds(30)
        request.totalTimeout = wait + .seconds(60)
        let answer: HTTPAnswer
        do {
            answer = try await client.send(request)
        } catch let error as HTTPClientError {
            throw Failure(message: error.message)
        }
        if answer.status == .noContent { return nil }
        guard (200..<300).contains(answer.status.rawValue) else { throw Self.failure(answer) }
        do {
            return try FleetJSON.decode(Reply.self, from: answer.body)
        } catch {
            throw Failure(message: "what answers at \(request.url) is not a company server of this version: \(error)")
        }
    }

    private static func failure(_ answer: HTTPAnswer) -> Failure {
        let problem = try? FleetJSON.decode(Problem.self, from: answer.body)
        return Failure(
            problem: problem, message: problem?.detail ?? "the company server answered \(answer.status.rawValue)",
            // A component that hands over is back at once: its "0" is none to the host's client.
            retryAfter: problem?.code == .handingOver ? .zero : answer.end.retryAfter)
    }
}

/// Tells a file that was replaced from the one that was there.
struct FileStamp: Equatable, Sendable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    /// nil where there is no such file.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        seconds = status.st_ctim.tv_sec
        nanoseconds = status.st_ctim.tv_nsec
    }
}

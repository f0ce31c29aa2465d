import FoundationEssentials
import Glibc
import Locks
import NetworkTesting

@testable import Networking

/// A client with its thread. Every wait ends after thirty seconds.
final class ClientBench: Sendable {
    let client: HTTPClient
    private let hasEnded = Locked(false)

    init(limits: HTTPClient.Limits = HTTPClient.Limits(), separatesConnections: Bool = true) throws {
        guard
            let made = HTTPClient(userAgent: "Tests", limits: limits, separatesConnections: separatesConnections)
        else { throw Failure(HTTPClient.unavailability ?? "no client") }
        client = made
        TestThread.start { [client, hasEnded] in
            client.run()
            hasEnded.withLock { $0 = true }
        }
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    deinit { client.close() }

    /// Closes the client and waits until its thread is through.
    func close() -> Bool {
        client.close()
        return eventually { hasEnded.withLock { $0 } }
    }

    func start(_ request: HTTPClientRequest, _ tls: ClientTLS? = nil, _ record: TransferRecord) throws -> UInt64 {
        if let tls { return try tls.lend { try client.start(request, $0, record) } }
        return try client.start(request, nil, record)
    }

    /// Starts a transfer and waits for its end.
    func fetch(_ request: HTTPClientRequest, _ tls: ClientTLS? = nil) throws -> TransferRecord.State {
        let record = TransferRecord()
        _ = try start(request, tls, record)
        return try record.ended()
    }

    func fetch(_ url: String, _ tls: ClientTLS? = nil) throws -> TransferRecord.State {
        try fetch(HTTPClientRequest(url: url), tls)
    }

    /// The words of a refusal; nil: it was started.
    func refusal(_ request: HTTPClientRequest, _ tls: ClientTLS? = nil) throws -> String? {
        do {
            _ = try start(request, tls, TransferRecord())
            return nil
        } catch HTTPClient.Failure.refused(let refusal) {
            return refusal.description
        }
    }
}

/// What `HTTPClientTLS` borrows, owned.
struct ClientTLS: Sendable {
    var expectedPeer: String
    var identity: TestIssuer.Identity?
    var authority = Data()

    func lend<Result>(_ body: (HTTPClientTLS) throws -> Result) rethrows -> Result {
        try (identity?.certificate ?? Data()).withUnsafeBytes { certificate in
            try (identity?.privateKey ?? Data()).withUnsafeBytes { key in
                try authority.withUnsafeBytes { authority in
                    try body(
                        HTTPClientTLS(
                            expectedPeer: expectedPeer, certificate: certificate, privateKey: key, authority: authority)
                    )
                }
            }
        }
    }
}

/// Records what one transfer is told.
final class TransferRecord: HTTPClientHandler {
    struct State: Sendable {
        var heads: [HTTPClientAnswer] = []
        var body: [UInt8] = []
        var pieces = 0
        var results: [HTTPClientResult] = []

        var text: String { String(decoding: body, as: UTF8.self) }
        var status: Int { heads.first?.status ?? 0 }
        var code: HTTPClientCode? { results.first?.code }
        var reason: String { results.first?.reason ?? "" }
    }

    let state = Locked(State())
    /// Called on the client's thread after each piece.
    let whenBody: @Sendable (UInt64, State) -> Void
    let whenHead: @Sendable (UInt64) -> Void

    init(
        whenHead: @escaping @Sendable (UInt64) -> Void = { _ in },
        whenBody: @escaping @Sendable (UInt64, State) -> Void = { _, _ in }
    ) {
        self.whenHead = whenHead
        self.whenBody = whenBody
    }

    func onHead(_ transfer: UInt64, _ head: HTTPClientAnswer) {
        state.withLock { $0.heads.append(head) }
        whenHead(transfer)
    }

    func onBody(_ transfer: UInt64, _ piece: UnsafeRawBufferPointer) {
        let copy = Array(piece)
        let now = state.withLock { state in
            state.body += copy
            state.pieces += 1
            return state
        }
        whenBody(transfer, now)
    }

    func onEnd(_ transfer: UInt64, _ result: HTTPClientResult) { state.withLock { $0.results.append(result) } }

    var now: State { state.withLock { $0 } }

    func ended() throws -> State {
        let deadline = coarseNow() + 30_000_000_000
        while coarseNow() < deadline {
            if !now.results.isEmpty { return now }
            usleep(1000)
        }
        throw ClientBench.Failure("the transfer does not end: \(now.heads.map(\.status)), \(now.body.count) bytes")
    }
}

/// A file without a name.
final class ScratchFile: Sendable {
    let descriptor: CInt

    init(_ bytes: [UInt8] = []) throws {
        var path = Array("/tmp/client-tests-XXXXXX\0".utf8CString)
        descriptor = mkstemp(&path)
        guard descriptor >= 0 else { throw ClientBench.Failure("mkstemp: errno \(errno)") }
        unlink(path)
        _ = pwrite(descriptor, bytes, bytes.count, 0)
    }

    deinit { Glibc.close(descriptor) }

    var bytes: [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = pread(descriptor, &piece, piece.count, off_t(all.count))
            guard count > 0 else { return all }
            all += piece.prefix(count)
        }
    }
}

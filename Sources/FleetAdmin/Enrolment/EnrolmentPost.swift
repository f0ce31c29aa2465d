internal import Fleet
internal import Locks
internal import Networking

/// One request to the company server whose root is known, on the caller's thread.
struct EnrolmentPost: Sendable {
    var server: ServerAddress
    /// PEM.
    var root: String

    /// More than any answer of it has.
    private static let limit: UInt64 = 256 << 10

    private final class Collector: HTTPClientHandler {
        struct State {
            var body: [UInt8] = []
            var result: HTTPClientResult?
        }

        let client: HTTPClient
        let state = Locked(State())

        init(_ client: HTTPClient) { self.client = client }

        func onHead(_ transfer: UInt64, _ head: HTTPClientAnswer) {}

        func onBody(_ transfer: UInt64, _ piece: UnsafeRawBufferPointer) {
            let bytes = Array(piece)
            state.withLock { $0.body += bytes }
        }

        func onEnd(_ transfer: UInt64, _ result: HTTPClientResult) {
            state.withLock { $0.result = result }
            client.close()
        }
    }

    func post(_ body: [UInt8], to path: String) throws(EnrolmentFailure) -> (status: Int, body: [UInt8]) {
        guard let client = HTTPClient(userAgent: "muster") else {
            throw EnrolmentFailure(.local, HTTPClient.unavailability ?? "libcurl cannot be used")
        }
        var request = HTTPClientRequest(url: "https://\(server)\(path)")
        request.method = "POST"
        request.fields = [.init("Content-Type", "application/json"), .init("Accept", "application/json")]
        request.body = .bytes(body)
        request.totalTimeout = 60_000_000_000
        request.bodyLimit = Self.limit
        let collector = Collector(client)
        do {
            try Array(root.utf8).withUnsafeBytes { authority in
                _ = try client.start(
                    request, HTTPClientTLS(expectedPeer: "\(FleetRole.server)", authority: authority), collector)
            }
        } catch {
            throw EnrolmentFailure(.local, "the server cannot be asked: \(Self.words(error))")
        }
        // Until the transfer has ended, which closes the client.
        client.run()
        let (answer, result) = collector.state.withLock { ($0.body, $0.result) }
        guard let result, result.code == .done else {
            throw EnrolmentFailure(
                .noAnswer,
                "the server \(server) did not answer: \(Self.sentence(result?.reason ?? "the request ended"))",
                advice: "Try again: a token is used up by an enrolment that succeeds.")
        }
        return (result.status, answer)
    }

    private static func words(_ error: any Error) -> String {
        guard case HTTPClient.Failure.refused(let refusal) = error else { return "\(error)" }
        return sentence(refusal.description)
    }

    /// Within another sentence.
    private static func sentence(_ text: String) -> String {
        text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}

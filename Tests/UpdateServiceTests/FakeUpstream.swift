import FoundationEssentials
import MusterABI
import PluginKit
import PluginTesting
import Testing

@testable import UpdateService

/// UpdateService through the ABI, with an upstream that a test answers for.
final class MirroringService {
    let publisher: TestPublisher
    let host: FakeHost
    private var answered: Set<UInt64> = []

    init(_ settings: [String: Setting] = [:]) throws {
        publisher = try TestPublisher()
        mkdirState(publisher.folder)
        host = FakeHost(
            PluginEntry.manifest(of: UpdateServer.self),
            settings: [
                "repository": .path("\(publisher.folder)/served"), "upstream.url": .url("https://vendor.example:443/r"),
                "upstream.root": .path(publisher.rootPath),
            ].merging(settings) { $1 }, stateDirectory: "\(publisher.folder)/state")
        try host.start()
    }

    deinit {
        host.stop()
        host.destroy()
    }

    /// Runs queued work and answers transfers until `isDone`.
    func run(
        _ isDone: () -> Bool, answer: (FakeHost, FakeTransfer, MirroringService) -> Void = { $2.serve($1) }
    ) async throws {
        let end = ContinuousClock.now + .seconds(180)
        while true {
            host.runWork()
            for transfer in host.transfers where !transfer.hasEnded && answered.insert(transfer.number).inserted {
                answer(host, transfer, self)
            }
            if isDone() { return }
            try #require(ContinuousClock.now < end, "nothing came of it")
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Answers as the vendor's server would.
    func serve(_ transfer: FakeTransfer) {
        guard transfer.method == "GET" else {
            host.sendHead(transfer.number, status: 202)
            return host.endTransfer(transfer.number, status: 202)
        }
        let path = publisher.repository + transfer.url.dropFirst("https://vendor.example:443/r".count)
        guard let data = FileManager.default.contents(atPath: path) else {
            host.sendHead(transfer.number, status: 404)
            return host.endTransfer(transfer.number, status: 404)
        }
        host.sendHead(transfer.number, status: 200)
        host.sendPiece(transfer.number, [UInt8](data), toFile: transfer.destinationOffset != nil)
        host.endTransfer(transfer.number, status: 200, receivedBytes: UInt64(data.count))
    }

    func status() throws -> ServiceStatus {
        let answer = host.exchange(FakeRequest("/v1/status"), with: "updates")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(ServiceStatus.self, from: Data(answer.body))
    }

    func check(_ uri: String?, _ method: String = "POST") -> FakeAnswer {
        var request = FakeRequest("/v1/check", method: method)
        request.identity = uri.map { FakeIdentity(subject: "CN=x", uris: [$0]) }
        return host.exchange(request, with: "updates")
    }
}

private func mkdirState(_ folder: String) {
    try? FileManager.default.createDirectory(atPath: "\(folder)/state", withIntermediateDirectories: true)
}

import Files
import Synchronization
import Testing

@testable import UpdateTrust

/// A publication while clients are in the middle of a refresh: none of them notices.
@Suite struct PublicationTests {
    /// Requests of a refresh that finds a newer snapshot, and of a download after it.
    private static let requests = ["2.root.json", "timestamp.json", "snapshot.json", "targets.json", "files/a"]

    @Test func thousandsInTheMiddleOfARefreshEndWithTheOldOrTheNewVersionWhole() async throws {
        let (clients, publications) = (500, 4)
        let fixture = try RepositoryFixture()
        // In memory: a thousand files are synced for each client.
        let folder = try TemporaryFolder(in: "/dev/shm")
        let root = try DurableFiles.read("\(fixture.folder)/repository/metadata/1.root.json", upTo: 1 << 20)
        for number in 0..<clients {
            try UpdateClient.begin(MetadataCache(folder: "\(folder.path)/\(number)"), with: root)
        }
        func content(_ version: Int) -> [UInt8] { Array("version \(version)".utf8) }
        func publish(_ version: Int) throws {
            try fixture.repository.stage(file: try fixture.write(content(version), "a"), as: "files/a")
            try fixture.repository.publish()
        }
        try publish(1)
        for version in 1...publications {
            // The next publication comes while each of them is before its first, second … request.
            let gate = Gate()
            try await withThrowingTaskGroup(of: Outcome.self) { group in
                for number in 0..<clients {
                    let transport = HeldTransport(
                        base: fixture.transport, before: number % Self.requests.count, gate: gate)
                    let own = "\(folder.path)/\(number)"
                    group.addTask { try await Self.fetch(in: own, transport) }
                }
                await gate.filled(by: clients)
                try publish(version + 1)
                gate.open()
                var seen: Set<Int> = []
                for try await outcome in group {
                    // Whatever its snapshot is, the file is the one that belongs to it.
                    // A new repository has a snapshot already.
                    let own = Int(outcome.snapshot) - 1
                    #expect(own == version || own == version + 1)
                    #expect(outcome.content == content(own))
                    seen.insert(own)
                }
                #expect(seen == [version, version + 1])
            }
        }
    }

    private struct Outcome: Sendable {
        var snapshot: Int64
        var content: [UInt8]
    }

    private static func fetch(in folder: String, _ transport: HeldTransport) async throws -> Outcome {
        let client = UpdateClient(cache: MetadataCache(folder: folder), metadataURL: "metadata", transport)
        var trusted = try await client.refresh().metadata
        let target = try #require(try await client.find("files/a", in: &trusted))
        try await TargetDownload(
            target, baseURL: "targets", consistentSnapshot: true, partialFolder: "\(folder)/partial"
        ).run(to: "\(folder)/a", transport)
        return Outcome(
            snapshot: trusted.snapshot?.role.version ?? 0, content: try DurableFiles.read("\(folder)/a", upTo: 100))
    }
}

/// Holds a client up before one of its requests.
private final class HeldTransport: UpdateTransport {
    private let base: DirectoryTransport
    private let held: Int
    private let gate: Gate
    private let count = Atomic(0)

    init(base: DirectoryTransport, before held: Int, gate: Gate) {
        (self.base, self.held, self.gate) = (base, held, gate)
    }

    private func pass() async {
        if count.wrappingAdd(1, ordering: .relaxed).oldValue == held { await gate.pass() }
    }

    func fetch(_ url: String, upTo limit: Int) async throws(TransportFailure) -> [UInt8] {
        await pass()
        return try await base.fetch(url, upTo: limit)
    }

    func download(
        _ url: String, to file: Int32, from offset: UInt64, upTo limit: UInt64,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(TransportFailure) {
        await pass()
        try await base.download(url, to: file, from: offset, upTo: limit, progress: progress)
    }
}

/// Where tasks wait until it is opened.
private final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var counter: (count: Int, CheckedContinuation<Void, Never>)?
    }

    private let state = Mutex(State())

    func pass() async {
        await withCheckedContinuation { continuation in
            let (goesOn, counter) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
                if state.isOpen { return (true, nil) }
                state.waiting.append(continuation)
                guard let (count, counter) = state.counter, state.waiting.count >= count else { return (false, nil) }
                state.counter = nil
                return (false, counter)
            }
            if goesOn { continuation.resume() }
            counter?.resume()
        }
    }

    /// Until so many wait.
    func filled(by count: Int) async {
        await withCheckedContinuation { continuation in
            let isFull = state.withLock { state in
                if state.waiting.count < count { state.counter = (count, continuation) }
                return state.waiting.count >= count
            }
            if isFull { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume() }
    }
}

import Fleet
import FoundationEssentials
import Locks
import PluginKit
import Testing
import UpdateTrust

@testable import CommAgent

/// A workstation whose host, engine and network are the test's.
final class Workstation: Sendable {
    let folder: String
    let transport = MemoryTransport()
    let surroundings = FakeSurroundings()

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/muster-agent-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/state", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var store: DefinitionsStore { DefinitionsStore(folder: folder + "/definitions") }

    /// Where steps end the work, by number from 1.
    final class Fuse: Sendable {
        private let left: Locked<Int>
        init(_ steps: Int) { left = Locked(steps) }

        @Sendable func reached(_ step: String) throws(UpdateError) {
            let isOver = left.withLock { left in
                left -= 1
                return left <= 0
            }
            // As a component that is stopped: nothing is tidied, nobody else is asked.
            if isOver {
                throw UpdateError(
                    .transport, "killed at \(step)", transport: TransportFailure(.cancelled, "killed at \(step)"))
            }
        }
    }

    /// A process on this workstation that begins.
    func process(
        _ vendor: Vendor, distributors: [String] = ["http://one"], companyServer: String? = nil, fuse: Fuse? = nil,
        installer: FileInstaller = FileInstaller(), limits: UpdateOffer.Limits = .init(),
        apply: @escaping Staging.Apply = Workstation.patch
    ) async throws -> Updater {
        let fuse = fuse ?? Fuse(.max)
        let updater = Updater(
            Updater.Settings(
                distributors: distributors, companyServer: companyServer, stateFolder: folder + "/state",
                limits: limits, installer: installer),
            store: DefinitionsStore(folder: folder + "/definitions", reached: fuse.reached),
            transport: transport, surroundings: surroundings, apply: apply, reached: fuse.reached)
        try await updater.begin(root: vendor.root)
        return updater
    }

    /// The deltas of these tests hold the number of bytes to drop at the end of the old file, a space, and what follows.
    static let patch: Staging.Apply = { (patch, from, into, limit) throws(UpdateError) in
        do {
            let patch = [UInt8](try Data(contentsOf: URL(filePath: patch)))
            guard let space = patch.firstIndex(of: 32), let drop = Int(String(decoding: patch[..<space], as: UTF8.self))
            else { throw UpdateError(.malformed, "this is no delta") }
            let old = [UInt8](try Data(contentsOf: URL(filePath: from)))
            try Data(old.dropLast(drop) + patch[(space + 1)...]).write(to: URL(filePath: into))
        } catch let error as UpdateError {
            throw error
        } catch {
            throw UpdateError(.storage, "\(error)")
        }
    }

    func content(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/\(name)")), as: UTF8.self)
    }

    func names(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)").sorted()
    }

    /// The version in use, if it is whole: what it says and what is in it belong together.
    func version() throws -> String? {
        guard let set = try store.currentSet() else { return nil }
        let text = try content("definitions/current/version")
        #expect(text == set.version + "\n")
        #expect(try content("definitions/current/main.hsb").hasSuffix("of \(set.version)\n"))
        return set.version
    }
}

/// A host that does everything at once.
final class FakeSurroundings: Surroundings {
    struct State: Sendable {
        /// What the next tests answer; then they pass.
        var verdicts: [Activation.Verdict] = []
        var tested: [String] = []
        var events: [DefinitionsEvent] = []
        var lines: [String] = []
    }

    let state = Locked(State())

    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value { try body() }

    func test(_ folder: String) async -> Activation.Verdict {
        let next = state.withLock { state in
            state.tested.append(folder)
            return state.verdicts.isEmpty ? nil : state.verdicts.removeFirst()
        }
        if let next { return next }
        let text = (try? Data(contentsOf: URL(filePath: folder + "/version"))).map {
            String(decoding: $0, as: UTF8.self)
        }
        return .passed(DefinitionsTestResult(version: String((text ?? "").dropLast()), signatures: 40_000))
    }

    func announce(_ event: DefinitionsEvent) { state.withLock { $0.events.append(event) } }

    func say(_ level: Log.Level, _ message: String, _ fields: KeyValuePairs<String, String>) {
        let line = "\(level): \(message) " + fields.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        state.withLock { $0.lines.append(line) }
    }

    var events: [DefinitionsEvent] { state.withLock { $0.events } }
    var lines: [String] { state.withLock { $0.lines } }
    func answer(_ verdicts: Activation.Verdict...) { state.withLock { $0.verdicts = verdicts } }
}

internal import Files
import Fleet
import Glibc
import PluginKit
import UpdateFetching
import UpdateTrust

/// Makes a whole set of definitions beside those that are in use. What is there of it already, from a process that ended, is
/// gone on with.
struct Staging: Sendable {
    /// Bytes that came.
    struct Traffic: Hashable, Sendable {
        var delta: UInt64 = 0
        var full: UInt64 = 0
        /// What the whole files of the deltas would have been.
        var instead: UInt64 = 0
    }

    /// Makes a file of another by a delta: patch, from, into, limit.
    typealias Apply = @Sendable (String, String, String, UInt64) throws(UpdateError) -> Void

    let offer: UpdateOffer
    let store: DefinitionsStore
    /// Of the distributor's targets.
    let targetsURL: String
    let transport: any UpdateTransport
    let surroundings: any Surroundings
    let apply: Apply
    let progress: TransferProgress
    let reached: @Sendable (String) throws(UpdateError) -> Void

    /// Where the files come together.
    var folder: String { "\(store.staging)/\(Self.name(of: offer.identity))" }
    static let partial = "partial"
    static func name(of identity: String) -> String { "set-\(identity.prefix(16))" }

    /// Answers the set, in place among the others.
    func make() async throws(UpdateError) -> (set: DefinitionsSet, traffic: Traffic) {
        let plan = try await surroundings.storing { [self] in
            try store.prepare()
            do throws(FileFailure) { try DurableFiles.makeFolders(folder) } catch { throw Self.failure(error) }
            let sets = try [store.currentSet(), store.previousSet()].compactMap { $0 }
            return UpdatePlan(offer, local: UpdatePlan.local(sets, in: store))
        }
        var traffic = Traffic()
        for step in plan.steps {
            try await make(step, &traffic)
            try reached("file")
        }
        let set = try await surroundings.storing { [self] in
            let set = DefinitionsSet(
                version: try version(), identity: offer.identity, snapshot: offer.snapshot,
                files: Dictionary(
                    offer.set.compactMap { target in
                        target.hashes.sha256.map { (UpdateOffer.name(of: target), $0) }
                    }, uniquingKeysWith: { $1 }))
            try removeStrangers(plan)
            return try store.put(folder, as: set)
        }
        return (set, traffic)
    }

    private func make(_ step: UpdatePlan.Step, _ traffic: inout Traffic) async throws(UpdateError) {
        let destination = "\(folder)/\(step.name)"
        let whole = download(step.target)
        let isThere = try await surroundings.storing {
            if whole.matches(destination) { return true }
            if case .keep(let path) = step.way {
                unlink(destination)
                // The same file twice: sets are never written to.
                if link(path, destination) == 0, whole.matches(destination) { return true }
            }
            unlink(destination)
            return false
        }
        if isThere { return }
        if case .delta(let delta, let from) = step.way,
            try await patch(delta, from, to: destination, whole, &traffic)
        {
            return
        }
        try await whole.run(to: destination, transport, blocking: surroundings.blocking) { [progress] in
            progress.tell($0, of: step.target.length, step.target.path)
        }
        traffic.full += step.target.length
    }

    /// False: the whole file is needed.
    private func patch(
        _ delta: TargetFile, _ from: String, to destination: String, _ whole: TargetDownload, _ traffic: inout Traffic
    ) async throws(UpdateError) -> Bool {
        let patch = "\(store.staging)/\(delta.hashes.prefix ?? "").delta"
        do {
            try await download(delta).run(to: patch, transport, blocking: surroundings.blocking) { [progress] in
                progress.tell($0, of: delta.length, delta.path)
            }
            traffic.delta += delta.length
            try reached("delta")
            let limit = whole.target.length
            try await surroundings.storing { [apply] in
                defer { unlink(patch) }
                try apply(patch, from, destination, limit)
                guard whole.matches(destination) else {
                    throw UpdateError(
                        .mismatch, "what '\(delta.path)' leads to is not what was signed as '\(whole.target.path)'")
                }
            }
            traffic.instead += whole.target.length
            return true
        } catch {
            unlink(destination)
            guard Self.isOfDelta(error) else { throw error }
            surroundings.say(
                .warning, "A delta was of no use, and the whole file is fetched.",
                ["target": whole.target.path, "reason": "\(error)"])
            return false
        }
    }

    /// Whether the whole file may be had where its delta is not.
    private static func isOfDelta(_ error: UpdateError) -> Bool {
        switch error.cause {
        case .storage, .locked: false
        case .transport:
            switch error.transport?.cause {
            case .unreachable, .timeout, .busy, .cancelled, .storage: false
            default: true
            }
        default: true
        }
    }

    private func download(_ target: TargetFile) -> TargetDownload {
        TargetDownload(
            target, baseURL: targetsURL, consistentSnapshot: offer.consistentSnapshot,
            partialFolder: "\(store.staging)/\(Self.partial)")
    }

    /// The line of the file `version`; where there is none, the beginning of the identity.
    private func version() throws(UpdateError) -> String {
        guard offer.namesVersion else { return String(offer.identity.prefix(12)) }
        do throws(FileFailure) {
            let bytes = try DurableFiles.read("\(folder)/\(UpdateOffer.versionName)", upTo: 4096)
            let line = String(decoding: bytes.prefix { $0 != 10 && $0 != 13 }.prefix(64), as: UTF8.self)
            return line.isEmpty ? "?" : line
        } catch {
            throw Self.failure(error)
        }
    }

    /// What an attempt at something else has left in the folder.
    private func removeStrangers(_ plan: UpdatePlan) throws(UpdateError) {
        let own = Set(plan.steps.map(\.name))
        do throws(SystemFailure) {
            let names = try FileDescriptor.open(at: AT_FDCWD, Array(folder.utf8), O_RDONLY | O_DIRECTORY)
                .names(upTo: 10_000) { _ in true }
            for name in names.map({ String(decoding: $0, as: UTF8.self) }) where !own.contains(name) {
                unlink("\(folder)/\(name)")
            }
        } catch {
            throw Self.failure(FileFailure(error.code, doing: "look into \(folder)"))
        }
    }

    private static func failure(_ error: FileFailure) -> UpdateError {
        UpdateError(.storage, "\(error)", systemError: error.code)
    }
}

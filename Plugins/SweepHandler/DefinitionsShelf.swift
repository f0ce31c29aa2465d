import Fleet
import Locks
import PluginKit
import SweepEngine

/// The definitions that sweeps are made with. They are looked at when the component starts and when a sweep begins, and
/// loaded again where they have changed; the old ones go when the last who uses them is done.
final class DefinitionsShelf: Sendable {
    struct Content: Sendable {
        var engine: HashList?
        /// Why there is none: a sentence.
        var trouble: String?
    }

    private struct State {
        var content = Content(trouble: "The definitions are not loaded yet.")
        var stamp: DefinitionsFolder.Stamp?
        var isLoading = false
        var waiting: [CheckedContinuation<Content, Never>] = []
    }

    private let folder: DefinitionsFolder?
    private let host: Host
    private let state = Locked(State())

    init(_ folder: Path?, _ host: Host) {
        self.folder = folder.map { DefinitionsFolder($0.string) }
        self.host = host
    }

    var content: Content { state.withLock { $0.content } }

    /// What is there now, loaded where it is new. One loads, others wait for it.
    func refresh() async -> Content {
        let (isFirst, stamp) = state.withLock { state in
            defer { state.isLoading = true }
            return (!state.isLoading, state.stamp)
        }
        guard isFirst else { return await waitForOther() }
        let folder = folder
        do {
            let loaded = try await host.run { try Self.load(folder, unless: stamp) }
            return finish { state in
                guard let loaded else { return }
                state.content = loaded.content
                state.stamp = loaded.stamp
            }
        } catch {
            // The component stops, or too much work waits: what was there stays.
            return finish { _ in }
        }
    }

    /// Refreshes, and tells the operator what is in use now.
    func announceRefresh() async {
        let before = content.engine?.version
        let content = await refresh()
        if let engine = content.engine, engine.version != before {
            host.log.info(
                "Sweeps use new definitions.",
                ["version": engine.version, "signatures": "\(engine.signatureCount)"])
        } else if let trouble = content.trouble {
            host.log.warning("The new definitions cannot be used.", ["reason": trouble])
        }
    }

    /// nil: nothing has changed. Blocks.
    private static func load(
        _ folder: DefinitionsFolder?, unless known: DefinitionsFolder.Stamp?
    ) throws -> (content: Content, stamp: DefinitionsFolder.Stamp?)? {
        guard let folder else {
            return (Content(trouble: "This machine's configuration names no definitions (option 'definitions')."), nil)
        }
        do {
            if let known, try folder.stamp() == known { return nil }
            let (engine, stamp) = try folder.load()
            return (Content(engine: engine), stamp)
        } catch {
            return (Content(trouble: "The definitions cannot be used: \(error)."), nil)
        }
    }

    private func waitForOther() async -> Content {
        await withCheckedContinuation { continuation in
            let content = state.withLock { state -> Content? in
                guard state.isLoading else { return state.content }
                state.waiting.append(continuation)
                return nil
            }
            if let content { continuation.resume(returning: content) }
        }
    }

    private func finish(_ change: (inout State) -> Void) -> Content {
        let (content, waiting) = state.withLock { state in
            change(&state)
            state.isLoading = false
            defer { state.waiting = [] }
            return (state.content, state.waiting)
        }
        for continuation in waiting { continuation.resume(returning: content) }
        return content
    }
}

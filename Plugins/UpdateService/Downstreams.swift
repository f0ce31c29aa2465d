import Fleet
import Locks
import PluginKit
import UpdateFetching
import UpdateTrust

/// Tells each configured downstream of a publication, again and again for a time where it does not answer. Nothing is lost
/// where none of that helps: a downstream also looks by itself.
final class Downstreams: Sendable {
    /// How one downstream stands.
    struct Standing: Codable, Sendable, Equatable {
        enum State: String, Codable, Sendable {
            /// Nothing was published since this worker started.
            case idle
            case telling
            case told
            /// It did not answer, and is asked again.
            case waiting
            /// It was asked often enough.
            case givenUp = "given_up"
        }

        var url: String
        var state = State.idle
        /// The last snapshot it was to be told of.
        var snapshot: Int64?
        var lastTold: Timestamp?
        var error: String?
    }

    private struct Entry {
        var standing: Standing
        /// Of the present publication.
        var attempts = 0
        /// Grows with each publication: what belongs to an earlier one ends.
        var round = 0
    }

    private struct State {
        var entries: [Entry]
        var isActive = false
    }

    static let attempts = 8
    static let firstPause = Duration.seconds(5)
    static let longestPause = Duration.seconds(300)
    private static let timeout = Duration.seconds(15)

    private let host: Host
    private let trust: TransportTrust
    private let metrics: ServiceMetrics
    private let state: Locked<State>

    init(_ urls: [String], trust: TransportTrust, metrics: ServiceMetrics, host: Host) {
        self.host = host
        self.trust = trust
        self.metrics = metrics
        state = Locked(
            State(entries: urls.map { Entry(standing: Standing(url: $0.hasSuffix("/") ? String($0.dropLast()) : $0)) }))
    }

    var standings: [Standing] { state.withLock { $0.entries.map(\.standing) } }

    func activate() { state.withLock { $0.isActive = true } }

    /// What is under way ends with the component.
    func quiesce() { state.withLock { $0.isActive = false } }

    func tell(of snapshot: Int64) {
        let rounds = state.withLock { state -> [(index: Int, round: Int)] in
            guard state.isActive else { return [] }
            return state.entries.indices.map { index in
                state.entries[index].round += 1
                state.entries[index].attempts = 0
                state.entries[index].standing.snapshot = snapshot
                state.entries[index].standing.state = .telling
                return (index, state.entries[index].round)
            }
        }
        for (index, round) in rounds { host.start { await self.attempt(index, round) } }
    }

    private func attempt(_ index: Int, _ round: Int) async {
        let url = state.withLock { state -> String? in
            guard state.isActive, state.entries[index].round == round else { return nil }
            state.entries[index].attempts += 1
            state.entries[index].standing.state = .telling
            return state.entries[index].standing.url
        }
        guard let url else { return }
        do {
            try await post("\(url)/v1/check")
            metrics.notified.with("told").add()
            state.withLock { state in
                guard state.entries[index].round == round else { return }
                state.entries[index].standing.state = .told
                state.entries[index].standing.lastTold = .now()
                state.entries[index].standing.error = nil
            }
        } catch {
            metrics.notified.with("failed").add()
            failed(index, round, url, "\(error)")
        }
    }

    private func failed(_ index: Int, _ round: Int, _ url: String, _ reason: String) {
        let pause = state.withLock { state -> Duration? in
            guard state.entries[index].round == round, state.isActive else { return nil }
            state.entries[index].standing.error = reason
            let attempts = state.entries[index].attempts
            state.entries[index].standing.state = attempts < Self.attempts ? .waiting : .givenUp
            return attempts < Self.attempts ? Self.pause(behind: attempts) : nil
        }
        guard let pause else {
            return host.log.warning(
                "A downstream was not told of a publication; it finds it by itself.",
                ["downstream": url, "reason": reason])
        }
        host.log.debug("A downstream did not answer.", ["downstream": url, "reason": reason])
        do throws(PluginError) {
            try host.startTimer(after: pause, jitter: pause / 4) { [weak self] in
                guard let self else { return }
                self.host.start { await self.attempt(index, round) }
            }
        } catch {
            host.log.debug("No timer for a downstream.", ["reason": "\(error)"])
        }
    }

    /// - Parameter attempts: those that failed, from 1.
    static func pause(behind attempts: Int) -> Duration {
        min(firstPause * (1 << min(max(0, attempts - 1), 16)), longestPause)
    }

    private func post(_ url: String) async throws {
        let client = try host.httpClient()
        let trust = trust
        var request = HTTPRequest(url, method: "POST")
        request.tls = trust.readsFiles ? try await host.run { try trust.tls(for: url) } : try trust.tls(for: url)
        request.connectTimeout = Self.timeout
        request.totalTimeout = Self.timeout
        let answer = try await client.send(request, upTo: 16 << 10)
        guard (200..<300).contains(answer.status.rawValue) else {
            throw TransportFailure(
                status: Int(answer.status.rawValue), of: url, retryAfter: answer.end.retryAfter)
        }
    }
}

import Glibc
import Synchronization

/// Clients that ask without pause until they are told to stop, and count every answer and every way to fail.
final class Load: Sendable {
    enum Style: String, CaseIterable, Sendable {
        /// A connection for each request.
        case newConnections = "new connections"
        /// A connection as long as the server keeps it.
        case keepAlive = "keep-alive"
    }

    /// What some of the clients ask for.
    struct Target: Sendable {
        /// The component that answers, for the report.
        var component: String
        var endpoint: Endpoint
        var path: String
        var body: [UInt8]
    }

    struct Tally: Sendable, Equatable {
        var answered = 0
        var failures: [Failure: Int] = [:]
        /// The longest from the beginning of a request (its connect included) to the end of its answer, nanoseconds.
        var slowest: UInt64 = 0

        var failed: Int { failures.values.reduce(0, +) }
        var refused: Int { failures[.refused, default: 0] }
        /// Failures that the end of the server's process does not explain.
        var unexplained: Int { failures.filter { !$0.key.isCutConnection }.values.reduce(0, +) }

        mutating func add(_ other: Tally) {
            answered += other.answered
            failures.merge(other.failures, uniquingKeysWith: +)
            slowest = max(slowest, other.slowest)
        }

        /// `12 reset before the answer, 1 connection refused`.
        var failureList: String {
            failures.isEmpty
                ? "none"
                : failures.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
        }
    }

    /// What was counted for one component and style.
    struct Group: Hashable, Sendable {
        var component: String
        var style: Style
    }

    private let isStopping = Atomic(false)
    private let answered = Atomic(0)
    private let tallies = Mutex<[Group: Tally]>([:])
    private let threads = Mutex<[OSThread]>([])
    private let deadline: UInt64

    /// Starts `clients` threads for each target and style; they end by themselves after `seconds`.
    init(_ targets: [Target], clients: Int = 1, styles: [Style] = Style.allCases, limitSeconds seconds: Double) throws {
        deadline = monotonicNow() + UInt64(seconds * 1e9)
        var number: UInt32 = 0
        for target in targets {
            for style in styles {
                for _ in 0..<clients {
                    let source = Endpoint(source: 2 + number % 200)
                    number += 1
                    let thread = try OSThread { [self] in run(target, style, from: source) }
                    threads.withLock { $0.append(thread) }
                }
            }
        }
    }

    /// Fails when the clients have ended by themselves: what is measured after that is not under load.
    func checkStillRunning(doing what: @autoclosure () -> String) throws {
        guard monotonicNow() < deadline else { throw BenchError("the time for this row was over \(what())") }
    }

    /// Answers so far, over all clients.
    var answers: Int { answered.load(ordering: .relaxed) }

    /// Ends the clients, each after its present request, and gives what they counted.
    func stop() -> [Group: Tally] {
        isStopping.store(true, ordering: .relaxed)
        let running = threads.withLock { list in
            defer { list = [] }
            return list
        }
        for thread in running { thread.join() }
        return tallies.withLock { $0 }
    }

    private func run(_ target: Target, _ style: Style, from source: Endpoint) {
        let request = ClientConnection.request(target.path, close: style == .newConnections)
        var connection: ClientConnection?
        var tally = Tally()
        while !isStopping.load(ordering: .relaxed) {
            let began = monotonicNow()
            guard began < deadline else { break }
            do throws(Failure) {
                let current: ClientConnection
                if let kept = connection {
                    current = kept
                } else {
                    current = try ClientConnection(to: target.endpoint, from: source)
                }
                try current.send(request)
                let answer = try current.receive(expecting: target.body)
                connection = style == .keepAlive && !answer.closes ? current : nil
                tally.answered += 1
                tally.slowest = max(tally.slowest, monotonicNow() - began)
                answered.add(1, ordering: .relaxed)
            } catch {
                connection = nil
                tally.failures[error, default: 0] += 1
            }
        }
        tallies.withLock { $0[Group(component: target.component, style: style), default: Tally()].add(tally) }
    }
}

extension [Load.Group: Load.Tally] {
    /// Everything counted for one component.
    func total(of component: String) -> Load.Tally {
        filter { $0.key.component == component }.values.reduce(into: Load.Tally()) { $0.add($1) }
    }

    var total: Load.Tally { values.reduce(into: Load.Tally()) { $0.add($1) } }
}

import Foundation

/// Clients that ask without pause until they are told to stop, and count every answer and every failure.
final class Load: @unchecked Sendable {
    // Sendable: `tally` and `isStopping` are guarded by `lock`; `group` is thread-safe.
    enum Style {
        /// A connection for each request.
        case newConnections
        /// One connection as long as the server keeps it.
        case keepAlive
    }

    struct Tally {
        var answers: [String: Int] = [:]
        var failures: [String: Int] = [:]
        var answered: Int { answers.values.reduce(0, +) }
    }

    private let lock = NSLock()
    private var tally = Tally()
    private var isStopping = false
    private let group = DispatchGroup()

    /// Starts `clients` threads of each style, asking for `target`; they end by themselves after two minutes.
    init(port: UInt16, target: String = "/", clients: Int = 2, styles: [Style] = [.newConnections, .keepAlive]) {
        let deadline = Date().addingTimeInterval(120)
        for style in styles {
            for _ in 0..<clients {
                group.enter()
                Thread.detachNewThread { [self] in
                    defer { group.leave() }
                    run(style, port: port, target: target, until: deadline)
                }
            }
        }
    }

    var answered: Int { lock.withLock { tally.answered } }

    /// Ends the clients and gives what they counted.
    func stop() -> Tally {
        lock.withLock { isStopping = true }
        group.wait()
        return lock.withLock { tally }
    }

    private func run(_ style: Style, port: UInt16, target: String, until deadline: Date) {
        var connection: Connection?
        while !lock.withLock({ isStopping }), Date() < deadline {
            do {
                let current = try connection ?? Connection(port: port)
                let response = try current.get(target, close: style == .newConnections)
                connection = style == .keepAlive && !response.closes ? current : nil
                lock.withLock { tally.answers["\(response.status) \(response.text.prefix(40))", default: 0] += 1 }
            } catch {
                connection = nil
                lock.withLock { tally.failures["\(error)", default: 0] += 1 }
                usleep(1_000)
            }
        }
    }
}

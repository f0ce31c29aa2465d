internal import ControlProtocol
internal import Locks

/// What of the bus waits for the control thread, by component, so that a plugin that does not come back from a call
/// does not fill the worker's memory; and the count of what was dropped. From any thread.
///
/// Answers always find room: the component made the calls, and those are counted.
final class BusGate: Sendable {
    private struct Waiting {
        var count = 0
        var bytes = 0
        /// By topic.
        var dropped: [String: UInt64] = [:]
    }

    private let waiting = Locked<[String: Waiting]>([:])

    /// Whether there is room for a command; takes its place. [reader thread]
    func admits(_ command: BusCommand, for component: String) -> Bool {
        guard let bytes = command.queuedBytes else { return true }
        return waiting.withLock { waiting in
            var room = waiting[component] ?? Waiting()
            guard room.count < BusLimits.incoming, room.bytes + bytes <= BusLimits.incomingBytes else { return false }
            room.count += 1
            room.bytes += bytes
            waiting[component] = room
            return true
        }
    }

    /// Frees a command's place. [control thread]
    func leave(_ command: BusCommand, of component: String) {
        guard let bytes = command.queuedBytes else { return }
        waiting.withLock { waiting in
            guard var room = waiting[component] else { return }
            room.count = max(0, room.count - 1)
            room.bytes = max(0, room.bytes - bytes)
            waiting[component] = room
        }
    }

    /// What to tell the supervisor of a command that finds no room: a call is declined, a message counted as dropped.
    func turnAway(_ command: BusCommand, from component: String) -> BusReport? {
        switch command {
        case .message(let topic, _, _):
            countDropped(topic, of: component)
            return nil
        case .request(let request):
            return .decline(
                number: request.number, .busy("\(BusLimits.incoming) messages and calls wait for \(component) already"))
        case .withdrawn, .answer, .plan: return nil
        }
    }

    func countDropped(_ topic: String, of component: String) {
        waiting.withLock { $0[component, default: Waiting()].dropped[topic, default: 0] += 1 }
    }

    /// What was dropped since the last time, to be told to the supervisor.
    func takeDropped() -> [(component: String, BusReport)] {
        waiting.withLock { waiting in
            var reports: [(String, BusReport)] = []
            for component in waiting.keys.sorted() {
                guard let dropped = waiting[component]?.dropped, !dropped.isEmpty else { continue }
                waiting[component]?.dropped = [:]
                reports += dropped.sorted { $0.key < $1.key }.map {
                    (component, .dropped(topic: $0.key, count: $0.value))
                }
            }
            return reports
        }
    }
}

extension BusCommand {
    /// What it takes in the queue; nil where it always finds room.
    fileprivate var queuedBytes: Int? {
        switch self {
        case .message(_, _, let payload): payload.count
        case .request(let request): request.payload.count
        case .withdrawn, .answer, .plan: nil
        }
    }
}

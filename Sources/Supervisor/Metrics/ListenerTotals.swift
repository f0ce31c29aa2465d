import ControlProtocol

extension ListenerActivity {
    /// Adds what another worker of the same listener has done; what is open now is added too.
    mutating func add(_ other: ListenerActivity) {
        connections += max(0, other.connections)
        exchanges += max(0, other.exchanges)
        merge(other) { $0.addingReportingOverflow($1) }
    }

    /// Takes over where a worker stands by its next report. What grows never shrinks, whatever a worker says.
    mutating func advance(to next: ListenerActivity) {
        connections = next.connections
        exchanges = next.exchanges
        merge(next) { (max($0, $1), false) }
    }

    /// The same with nothing open: what is left of a worker that has ended.
    var ended: ListenerActivity {
        var activity = self
        activity.connections = 0
        activity.exchanges = 0
        return activity
    }

    private mutating func merge(
        _ other: ListenerActivity, _ combine: (UInt64, UInt64) -> (partialValue: UInt64, overflow: Bool)
    ) {
        func apply(_ member: WritableKeyPath<ListenerActivity, UInt64>) {
            let (value, overflow) = combine(self[keyPath: member], other[keyPath: member])
            self[keyPath: member] = overflow ? .max : value
        }
        let members: [WritableKeyPath<ListenerActivity, UInt64>] = [
            \.acceptedConnections, \.requests, \.receivedBytes, \.sentBytes, \.fullHandshakes, \.resumedHandshakes,
            \.failedHandshakes, \.durations.sum,
        ]
        for member in members { apply(member) }
        // A worker that sends lists of another length is not listened to.
        for index in zip(responsesByClass.indices, other.responsesByClass.indices).map(\.0) {
            apply(\.responsesByClass[index])
        }
        for index in zip(durations.counts.indices, other.durations.counts.indices).map(\.0) {
            apply(\.durations.counts[index])
        }
    }
}

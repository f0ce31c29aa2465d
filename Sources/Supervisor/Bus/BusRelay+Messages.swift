import ControlProtocol
import FoundationEssentials

/// Messages: at once to whoever is active, or dropped and counted.
extension BusRelay {
    mutating func publish(_ topic: String, _ payload: Data, from worker: WorkerID, _ component: String) {
        guard isAllowed(topic), payload.count <= BusLimits.payload else {
            accuse(worker, component, "published a message beyond the bus's limits")
            return
        }
        guard declares(.publishes, topic, worker, component), !Self.isHosts(topic) else {
            accuse(
                worker, component,
                "published under '\(printable(topic))', which its manifest does not or may not declare")
            return
        }
        guard !isDenied(topic, worker, component), isWithinRate(worker, component) else {
            countDropped(topic, of: component)
            return
        }
        count(component) { $0.published &+= 1 }
        let command = BusCommand.message(topic: topic, sender: component, payload: payload)
        for target in membership.components
        where target.name != component && target.plan.allows(.subscribes, topic) {
            guard let server = server(of: target), backlogs[server, default: 0] <= limits.backlog else {
                countDropped(topic, of: target.name)
                continue
            }
            count(target.name) { $0.delivered &+= 1 }
            send(command, payloadCount: payload.count, to: server, target.name)
        }
    }

    /// The worker dropped them itself.
    mutating func noteDropped(_ topic: String, _ number: UInt64, by worker: WorkerID, _ component: String) {
        guard declares(.publishes, topic, worker, component) || declares(.subscribes, topic, worker, component) else {
            accuse(worker, component, "dropped messages of '\(printable(topic))', which its manifest does not declare")
            return
        }
        countDropped(topic, of: component, number)
    }

    /// Whether a name has the length that one may have.
    func isAllowed(_ name: String) -> Bool { (1...BusLimits.name).contains(name.utf8.count) }

    mutating func isWithinRate(_ worker: WorkerID, _ component: String) -> Bool {
        let speaker = Speaker(worker: worker, component: component)
        return rates[speaker, default: BusRate(perSecond: limits.messagesPerSecond)].allows(at: now)
    }
}

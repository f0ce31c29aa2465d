import ControlProtocol

/// Workers that come, serve and go.
extension BusRelay {
    mutating func change(to next: BusMembership) {
        let gone = membership.members.keys.filter { next.members[$0] == nil }.sorted()
        membership = next
        keepActivities(of: next.components)
        end(gone.filter { !closed.contains($0) })
        for worker in gone {
            closed.remove(worker)
            pardon(worker)
        }
        serveWaiting()
    }

    /// The socket may end before the worker does.
    mutating func close(_ worker: WorkerID) {
        guard membership.members[worker] != nil, closed.insert(worker).inserted else { return }
        end([worker])
    }

    private mutating func end(_ workers: [WorkerID]) {
        guard !workers.isEmpty else { return }
        endCalls(of: workers)
        for worker in workers { backlogs[worker] = nil }
        rates = rates.filter { !workers.contains($0.key.worker) }
    }

    mutating func noteBacklog(of worker: WorkerID, _ bytes: Int) {
        guard membership.members[worker] != nil, !closed.contains(worker) else { return }
        backlogs[worker] = bytes == 0 ? nil : bytes
        guard bytes <= limits.backlog,
            membership.components.contains(where: { $0.server == worker && queues[$0.name] != nil })
        else { return }
        serveWaiting()
    }
}

extension BusMembership {
    func component(_ name: String) -> Component? { components.first { $0.name == name } }
}

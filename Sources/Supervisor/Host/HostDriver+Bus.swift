import ControlProtocol

/// The relay's hands: what components say on the bus, and what is sent to them.
extension HostDriver {
    /// Something of a worker's for the bus, in its turn among what happens.
    func takeBus(_ report: BusReport, of component: String, _ process: WorkerProcess) {
        guard plans[process.id]?.components.contains(component) == true else {
            let reason = "it spoke on the bus for '\(printable(component))', which is no component of its own"
            post(.channelFailed(process.id, reason: reason))
            return
        }
        post(bus: .report(process.id, component: component, report))
    }

    func relay(_ event: BusRelay.Event) {
        var told: Set<WorkerID> = []
        for action in bus.handle(event, at: monotonicNow()) {
            switch action {
            case .log(let level, let component, let message): log.log(level, message, component: component)
            case .askStatus(let caller):
                relay(.hostReplied(caller, busStatusReply()))
            case .send(let id, let component, let command):
                send(id, .bus(component: component, command))
                told.insert(id)
            }
        }
        // The relay guesses what a command adds to a socket's queue; here is what is in it. Where that makes room for
        // calls that wait, they go out now: each round sends some of them, so there is an end.
        for id in told.sorted() {
            if let backlog = backlog(of: id) { relay(.backlog(id, backlog)) }
        }
    }

    /// Tells the relay who takes part, where that has changed.
    func updateBus() {
        let membership = machine.busMembership
        guard membership != bus.membership else { return }
        relay(.changed(membership))
    }

    /// Bytes that wait in the socket of a worker that takes part in the bus.
    func backlog(of id: WorkerID) -> Int? {
        guard bus.membership.members[id] != nil else { return nil }
        return processes[id]?.channel.pendingByteCount
    }
}

extension BusReport {
    var payloadCount: Int {
        switch self {
        case .publish(_, let payload): payload.count
        case .call(let call): call.payload.count
        case .reply(_, let reply): reply.payload.count
        case .cancel, .decline, .dropped: 0
        }
    }
}

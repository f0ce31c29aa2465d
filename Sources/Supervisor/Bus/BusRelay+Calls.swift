import ControlProtocol
import FoundationEssentials

/// Calls; the table is at `BusRelay`.
extension BusRelay {
    // MARK: Made

    mutating func take(_ call: BusCall, from worker: WorkerID, _ component: String) {
        let key = CallerKey(worker: worker, component: component, id: call.id)
        guard numbers[key] == nil else {
            accuse(worker, component, "made two calls of one number")
            return
        }
        count(component) { $0.callsMade &+= 1 }
        if let refusal = refusal(of: call, from: worker, component) {
            answer(key, .refused(refusal))
            return
        }
        var call = call
        call.deadline = min(call.deadline, now.after(BusLimits.timeout))
        guard call.deadline > now else {
            answer(key, .timedOut)
            return
        }
        if Self.isHosts(call.service) {
            ask(call, key)
            return
        }
        switch place(call, of: component) {
        case .refused(let refusal): answer(key, .refused(refusal))
        case .handed(let target, let server): keep(call, key, target, server)
        case .waits(let target): keep(call, key, target, nil)
        }
    }

    /// What is against a call whoever serves it.
    private mutating func refusal(of call: BusCall, from worker: WorkerID, _ component: String) -> BusRefusal? {
        let isInOrder = isAllowed(call.service) && isAllowed(call.method) && call.payload.count <= BusLimits.payload
        guard isInOrder else {
            accuse(worker, component, "made a call beyond the bus's limits")
            return .notAllowed("the call is beyond the bus's limits")
        }
        guard declares(.calls, call.service, worker, component) else {
            accuse(worker, component, "called '\(printable(call.service))', which its manifest does not declare")
            return .notAllowed("the manifest of \(component) does not say that it calls '\(call.service)'")
        }
        guard !isDenied(call.service, worker, component) else {
            return .notAllowed("the configuration takes '\(call.service)' from \(component)")
        }
        guard isWithinRate(worker, component) else {
            return .busy("\(component) sends more than \(limits.messagesPerSecond) messages and calls in a second")
        }
        guard made[component, default: 0] < limits.calls else {
            return .busy("\(component) has \(limits.calls) calls under way")
        }
        return nil
    }

    private mutating func keep(_ call: BusCall, _ key: CallerKey, _ target: String, _ server: WorkerID?) {
        let number = makeNumber()
        calls[number] = Call(caller: key, call: call, target: target)
        numbers[key] = number
        made[key.component, default: 0] += 1
        owed[target, default: 0] += 1
        deadlines.add(number, at: call.deadline)
        if let server {
            hand(number, to: server)
        } else {
            wait(number, call, target)
        }
    }

    private mutating func wait(_ number: UInt64, _ call: BusCall, _ target: String) {
        waiting.append(number)
        queues[target, default: Queue()].count += 1
        queues[target, default: Queue()].bytes += call.payload.count
    }

    // MARK: Placed

    /// Where a call goes at present.
    private enum Place {
        case handed(target: String, WorkerID)
        case waits(target: String)
        case refused(BusRefusal)
    }

    /// Finds the component that serves a call, and whether it is active and has room. A new call goes behind those that
    /// wait for the same component.
    private func place(_ call: BusCall, of caller: String) -> Place {
        let target: BusMembership.Component
        switch find(call.service, for: caller) {
        case .failure(let refusal): return .refused(refusal.refusal)
        case .success(let found): target = found
        }
        guard owed[target.name, default: 0] < limits.calls else {
            return .refused(.busy("\(target.name) has \(limits.calls) calls to answer"))
        }
        let queue = queues[target.name]
        if let server = server(of: target), queue == nil {
            guard backlogs[server, default: 0] <= limits.backlog else {
                return .refused(.busy("\(target.name) does not keep up with what it is sent"))
            }
            return .handed(target: target.name, server)
        }
        guard (queue?.bytes ?? 0) + call.payload.count <= limits.waitingBytes else {
            return .refused(.busy("\(limits.waitingBytes >> 20) MiB of calls wait for \(target.name) already"))
        }
        return .waits(target: target.name)
    }

    private struct Refused: Error {
        var refusal: BusRefusal
    }

    /// The component that serves a service, if it will and `caller` may call it.
    private func find(_ service: String, for caller: String) -> Result<BusMembership.Component, Refused> {
        func no(_ refusal: BusRefusal) -> Result<BusMembership.Component, Refused> {
            .failure(Refused(refusal: refusal))
        }
        guard let target = membership.components.first(where: { $0.plan.allows(.serves, service) }) else {
            return no(.unreachable("no component of this host serves '\(service)'"))
        }
        guard target.plan.accepts(callsOf: caller, to: service) else {
            return no(.notAllowed("the configuration does not let \(caller) call '\(service)' of \(target.name)"))
        }
        guard server(of: target) == nil else { return .success(target) }
        guard !membership.isStopping else { return no(.unreachable("the host is stopping")) }
        guard target.isComing else {
            return no(.unreachable("\(target.name), which serves '\(service)', does not run and waits for a reload"))
        }
        return .success(target)
    }

    /// Goes through the calls that wait: each is handed over, settled, or waits on.
    mutating func serveWaiting() {
        guard !waiting.isEmpty else { return }
        let numbers = waiting
        waiting = []
        queues = [:]
        for number in numbers {
            guard let entry = calls[number] else { continue }
            guard entry.call.deadline > now else {
                settle(number, .timedOut)
                continue
            }
            switch find(entry.call.service, for: entry.caller.component) {
            case .failure(let refusal): settle(number, .refused(refusal.refusal))
            case .success(let target):
                retarget(number, to: target.name)
                // Those behind one that waits for room wait too: the order stays.
                if let server = server(of: target), queues[target.name] == nil,
                    backlogs[server, default: 0] <= limits.backlog
                {
                    hand(number, to: server)
                } else {
                    wait(number, entry.call, target.name)
                }
            }
        }
    }

    /// A reload may have given the service to another component.
    private mutating func retarget(_ number: UInt64, to target: String) {
        guard let former = calls[number]?.target, former != target else { return }
        calls[number]?.target = target
        subtract(1, from: &owed, former)
        owed[target, default: 0] += 1
    }

    private mutating func hand(_ number: UInt64, to worker: WorkerID) {
        guard let entry = calls[number] else { return }
        let request = BusRequest(
            number: number, service: entry.call.service, method: entry.call.method, caller: entry.caller.component,
            payload: entry.call.payload, deadline: entry.call.deadline)
        calls[number]?.worker = worker
        calls[number]?.call.payload = Data()
        send(.request(request), payloadCount: request.payload.count, to: worker, entry.target)
    }

    // MARK: Settled

    mutating func take(_ reply: BusReply, to number: UInt64, from worker: WorkerID, _ component: String) {
        guard isHanded(number, to: worker, component) else { return }
        count(component) { $0.callsServed &+= 1 }
        guard reply.payload.count <= BusLimits.payload, reply.reason.utf8.count <= BusLimits.reason else {
            accuse(worker, component, "replied beyond the bus's limits")
            settle(number, .lost(reason: "the reply of \(component) was beyond the bus's limits"))
            return
        }
        settle(number, .replied(reply))
    }

    mutating func decline(_ number: UInt64, _ refusal: BusRefusal, from worker: WorkerID, _ component: String) {
        guard isHanded(number, to: worker, component) else { return }
        settle(number, .refused(refusal))
    }

    /// Whether a worker may settle a call. One that is settled already is no offence: its deadline passed.
    private mutating func isHanded(_ number: UInt64, to worker: WorkerID, _ component: String) -> Bool {
        guard let entry = calls[number] else { return false }
        guard entry.worker == worker, entry.target == component else {
            accuse(worker, component, "replied to a call that it was not given")
            return false
        }
        return true
    }

    mutating func cancel(_ key: CallerKey) {
        guard let number = numbers[key] else { return }
        withdraw(number)
        count(key.component) { $0.callsFailed &+= 1 }
    }

    mutating func expire() {
        while let number = deadlines.takeDue(at: now) { settle(number, .timedOut) }
    }

    /// Ends the calls that workers have in their hands, and those that they made.
    mutating func endCalls(of workers: [WorkerID]) {
        for number in calls.keys.sorted() {
            guard let entry = calls[number] else { continue }
            if workers.contains(entry.caller.worker) {
                withdraw(number, unlessOf: workers)
            } else if let worker = entry.worker, workers.contains(worker) {
                settle(number, .lost(reason: "the worker of \(entry.target) ended with the call in its hands"))
            }
        }
    }

    /// Forgets a call for which nobody waits, and tells the worker that has it, unless it is gone as well.
    private mutating func withdraw(_ number: UInt64, unlessOf gone: [WorkerID] = []) {
        guard let entry = forget(number), let worker = entry.worker, !gone.contains(worker) else { return }
        send(.withdrawn(number: number), payloadCount: 0, to: worker, entry.target)
    }

    /// Answers a call, and is done with it.
    private mutating func settle(_ number: UInt64, _ result: BusAnswer) {
        guard let entry = forget(number) else { return }
        answer(entry.caller, result)
    }

    mutating func answer(_ caller: CallerKey, _ result: BusAnswer) {
        var result = result
        var payloadCount = 0
        if case .replied(let reply) = result {
            payloadCount = reply.payload.count
            if payloadCount > 0, backlogs[caller.worker, default: 0] > limits.answerBacklog {
                result = .lost(reason: "\(caller.component) does not keep up with its answers: this one is left out")
                payloadCount = 0
            } else if reply.status != 0 {
                count(caller.component) { $0.callsFailed &+= 1 }
            }
        }
        if case .replied = result {} else { count(caller.component) { $0.callsFailed &+= 1 } }
        send(.answer(id: caller.id, result), payloadCount: payloadCount, to: caller.worker, caller.component)
    }

    @discardableResult
    private mutating func forget(_ number: UInt64) -> Call? {
        guard let entry = calls.removeValue(forKey: number) else { return nil }
        numbers[entry.caller] = nil
        subtract(1, from: &made, entry.caller.component)
        subtract(1, from: &owed, entry.target)
        if entry.worker == nil, let index = waiting.firstIndex(of: number) {
            waiting.remove(at: index)
            leaveQueue(of: entry.target, entry.call)
        }
        let calls = calls
        deadlines.compact(to: calls.count) { calls[$0] != nil }
        return entry
    }

    private mutating func leaveQueue(of target: String, _ call: BusCall) {
        guard var queue = queues[target] else { return }
        queue.count -= 1
        queue.bytes -= call.payload.count
        queues[target] = queue.count > 0 ? queue : nil
    }

    private func subtract(_ number: Int, from counts: inout [String: Int], _ key: String) {
        let left = (counts[key] ?? 0) - number
        counts[key] = left > 0 ? left : nil
    }
}

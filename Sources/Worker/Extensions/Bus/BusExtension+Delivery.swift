internal import ControlProtocol
internal import FoundationEssentials
internal import MusterABI

/// What the supervisor sends. Control thread only.
extension BusExtension {
    /// - Parameters:
    ///   - isActive: the component is between activate and quiesce.
    ///   - during: runs a callback under the watchdog's eyes.
    func take(_ command: BusCommand, isActive: Bool, _ during: (() -> Void) -> Void) {
        switch command {
        case .plan(let plan): state.withLock { $0.plan = plan }
        case .withdrawn(let number): state.withLock { _ = $0.given.removeValue(forKey: number) }
        case .answer(let id, let answer):
            // Without a caller it was cancelled, and its end told.
            guard let caller = state.withLock({ $0.made.removeValue(forKey: id) }) else { return }
            during { tell(caller, id, CallEnd(answer)) }
        case .message(let topic, let sender, let payload):
            guard isActive else { return gate.countDropped(topic, of: component) }
            // Declared and not subscribed to: the plugin does not want it.
            guard let subscriber = state.withLock({ $0.subscribers[topic] }) else { return }
            during { deliver(topic, sender, payload, to: subscriber) }
        case .request(let request): take(request, isActive: isActive, during)
        }
    }

    private func deliver(_ topic: String, _ sender: String, _ payload: Data, to subscriber: Subscriber) {
        let texts = [StableText(topic), StableText(sender)]
        var message = muster_bus_message()
        message.struct_size = UInt32(MemoryLayout<muster_bus_message>.size)
        message.abi_major = UInt16(MUSTER_ABI_MAJOR)
        message.abi_minor = UInt16(MUSTER_ABI_MINOR)
        message.topic = texts[0].value
        message.sender = texts[1].value
        payload.withABI { bytes in
            message.payload = bytes
            subscriber.onMessage(subscriber.context, &message)
        }
        withExtendedLifetime(texts) {}
    }

    private func take(_ request: BusRequest, isActive: Bool, _ during: (() -> Void) -> Void) {
        let server = state.withLock { state -> Server? in
            guard isActive, state.phase == .open, let server = state.servers[request.service] else { return nil }
            // The supervisor gives no more than so many that count.
            if state.given.count >= 2 * BusLimits.calls { forgetOverdue(&state) }
            state.given[request.number] = request.deadline
            return server
        }
        guard let server else {
            let reason =
                isActive
                ? "\(component) does not serve '\(request.service)', although its manifest says so"
                : "\(component) is being quiesced"
            _ = link.send(
                .decline(number: request.number, .unreachable(reason)), of: component,
                limit: BusLimits.outgoingReplyBytes)
            return
        }
        during { call(server, with: request) }
    }

    private func call(_ server: Server, with given: BusRequest) {
        let texts = [StableText(given.service), StableText(given.method), StableText(given.caller)]
        var request = muster_bus_request()
        request.struct_size = UInt32(MemoryLayout<muster_bus_request>.size)
        request.abi_major = UInt16(MUSTER_ABI_MAJOR)
        request.abi_minor = UInt16(MUSTER_ABI_MINOR)
        request.call = given.number
        request.deadline = given.deadline
        request.service = texts[0].value
        request.method = texts[1].value
        request.caller = texts[2].value
        given.payload.withABI { bytes in
            request.payload = bytes
            server.onCall(server.context, &request)
        }
        withExtendedLifetime(texts) {}
    }

    // MARK: Ends of calls

    /// How a call ended, in the header's words.
    struct CallEnd {
        var outcome: muster_bus_outcome
        var status: muster_status
        var reason: String
        var payload = Data()

        static func cancelled(_ reason: String) -> CallEnd {
            CallEnd(outcome: MUSTER_BUS_CANCELLED, status: MUSTER_GONE, reason: reason)
        }
    }

    func tell(_ caller: Caller, _ call: muster_bus_call, _ end: CallEnd) {
        let reason = StableText(end.reason)
        var answer = muster_bus_answer()
        answer.struct_size = UInt32(MemoryLayout<muster_bus_answer>.size)
        answer.abi_major = UInt16(MUSTER_ABI_MAJOR)
        answer.abi_minor = UInt16(MUSTER_ABI_MINOR)
        answer.outcome = end.outcome
        answer.status = end.status
        answer.reason = reason.value
        end.payload.withABI { bytes in
            answer.payload = bytes
            caller.onReply(caller.context, call, &answer)
        }
        withExtendedLifetime(reason) {}
    }
}

extension BusExtension.CallEnd {
    init(_ answer: BusAnswer) {
        switch answer {
        case .replied(let reply):
            self.init(
                outcome: reply.status == MUSTER_OK ? MUSTER_BUS_ANSWERED : MUSTER_BUS_FAILED, status: reply.status,
                reason: reply.reason, payload: reply.payload)
        case .refused(.busy(let reason)):
            self.init(outcome: MUSTER_BUS_REFUSED, status: MUSTER_BUSY, reason: reason)
        case .refused(.notAllowed(let reason)):
            self.init(outcome: MUSTER_BUS_REFUSED, status: MUSTER_UNSUPPORTED, reason: reason)
        case .refused(.unreachable(let reason)):
            self.init(outcome: MUSTER_BUS_UNREACHABLE, status: MUSTER_GONE, reason: reason)
        case .timedOut:
            self.init(outcome: MUSTER_BUS_TIMED_OUT, status: MUSTER_GONE, reason: "the call's deadline passed")
        case .lost(let reason): self.init(outcome: MUSTER_BUS_LOST, status: MUSTER_GONE, reason: reason)
        }
    }
}

extension Data {
    /// The bytes as the ABI passes them, for one call.
    func withABI<Result>(_ body: (muster_bytes) -> Result) -> Result {
        withUnsafeBytes { bytes in
            let start = bytes.bindMemory(to: UInt8.self).baseAddress
            return body(muster_bytes(data: bytes.isEmpty ? nil : start, length: bytes.count))
        }
    }
}

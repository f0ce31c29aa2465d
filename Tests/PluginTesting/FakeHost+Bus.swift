import MusterABI

/// What a component published.
public struct FakeMessage: Equatable, Sendable {
    public var topic: String
    public var payload: [UInt8]
}

/// A call that a component made and that is not answered.
public struct FakeCall: Sendable {
    public var id: UInt64
    public var service: String
    public var method: String
    public var payload: [UInt8]
    public var timeout: UInt64
    var options: FakeCallOptions
}

struct FakeCallOptions: @unchecked Sendable {
    // Unchecked: a copy of what the plugin said may be called from the control thread; the test is that thread.
    var value: muster_bus_call_options
}

/// What a component replied to a call that it was given.
public struct FakeReply: Equatable, Sendable {
    public var status: muster_status
    public var payload: [UInt8]
    public var reason: String

    public init(status: muster_status, payload: [UInt8], reason: String) {
        self.status = status
        self.payload = payload
        self.reason = reason
    }
}

/// The bus of a fake host.
struct FakeBus {
    var published: [FakeMessage] = []
    var subscribers: [String: muster_bus_subscriber] = [:]
    var servers: [String: muster_bus_server] = [:]
    var calls: [FakeCall] = []
    var replies: [UInt64: FakeReply] = [:]
    var open: Set<UInt64> = []
    /// What every publish and call answers.
    var status = MUSTER_OK
    var lastNumber: UInt64 = 0
}

extension FakeHost {
    // MARK: What a test does

    public var published: [FakeMessage] { state.withLock { $0.bus.published } }
    /// Calls that were made and are not answered.
    public var calls: [FakeCall] { state.withLock { $0.bus.calls } }

    public func reply(to number: UInt64) -> FakeReply? { state.withLock { $0.bus.replies[number] } }

    /// From now on every publish and call is answered with this, with the reason "the test wants it".
    public func answerBus(with status: muster_status) { state.withLock { $0.bus.status = status } }

    /// Hands a message to its subscriber; its memory ends with the call, so that a plugin which keeps it is found out.
    public func deliver(_ topic: String, from sender: String, _ payload: [UInt8]) {
        guard let subscriber = state.withLock({ $0.bus.subscribers[topic] }) else { return }
        let memory = TableMemory()
        let message = memory.zeroed(muster_bus_message.self)
        message.pointee.topic = memory.text(topic)
        message.pointee.sender = memory.text(sender)
        message.pointee.payload = memory.payload(payload)
        subscriber.on_message?(subscriber.context, message)
    }

    /// Gives a service a call, and answers its number.
    @discardableResult
    public func give(
        _ service: String, _ method: String, from caller: String, _ payload: [UInt8] = [], deadline: UInt64 = .max
    ) -> UInt64 {
        let (number, server) = state.withLock { state in
            state.bus.lastNumber += 1
            state.bus.open.insert(state.bus.lastNumber)
            return (state.bus.lastNumber, state.bus.servers[service])
        }
        guard let server else { return number }
        let memory = TableMemory()
        let request = memory.zeroed(muster_bus_request.self)
        request.pointee.call = number
        request.pointee.deadline = deadline
        request.pointee.service = memory.text(service)
        request.pointee.method = memory.text(method)
        request.pointee.caller = memory.text(caller)
        request.pointee.payload = memory.payload(payload)
        server.on_call?(server.context, request)
        return number
    }

    /// Answers the first call that was made.
    public func answerCall(
        _ outcome: muster_bus_outcome, status: muster_status = MUSTER_OK, payload: [UInt8] = [], reason: String = ""
    ) {
        guard let call = state.withLock({ $0.bus.calls.isEmpty ? nil : $0.bus.calls.removeFirst() }) else { return }
        let memory = TableMemory()
        let answer = memory.zeroed(muster_bus_answer.self)
        answer.pointee.outcome = outcome
        answer.pointee.status = status
        answer.pointee.reason = memory.text(reason)
        answer.pointee.payload = memory.payload(payload)
        call.options.value.on_reply?(call.options.value.context, call.id, answer)
    }

    // MARK: The table

    func makeBus() -> UnsafeMutablePointer<muster_bus> {
        let table = memory.zeroed(muster_bus.self)
        table.pointee.context = context
        table.pointee.publish = { context, topic, payload, error in
            FakeHost.of(context).take(error) { bus in
                bus.published.append(FakeMessage(topic: String(topic), payload: [UInt8](payload)))
            }
        }
        table.pointee.subscribe = { context, topic, subscriber, _ in
            guard let subscriber, subscriber.pointee.on_message != nil else { return MUSTER_INVALID }
            FakeHost.of(context).state.withLock { $0.bus.subscribers[String(topic)] = subscriber.pointee }
            return MUSTER_OK
        }
        table.pointee.serve = { context, service, server, _ in
            guard let server, server.pointee.on_call != nil else { return MUSTER_INVALID }
            FakeHost.of(context).state.withLock { $0.bus.servers[String(service)] = server.pointee }
            return MUSTER_OK
        }
        table.pointee.call = { context, options, number, error in
            guard let options, options.pointee.on_reply != nil else { return MUSTER_INVALID }
            return FakeHost.of(context).take(error) { bus in
                bus.lastNumber += 1
                number?.pointee = bus.lastNumber
                bus.calls.append(FakeCall(bus.lastNumber, options.pointee))
            }
        }
        table.pointee.cancel = { context, number in
            let host = FakeHost.of(context)
            let isFirst = host.state.withLock { state in
                guard let index = state.bus.calls.firstIndex(where: { $0.id == number }) else { return false }
                state.bus.calls.swapAt(0, index)
                return true
            }
            guard isFirst else { return MUSTER_GONE }
            host.answerCall(MUSTER_BUS_CANCELLED, status: MUSTER_GONE, reason: "it was cancelled")
            return MUSTER_OK
        }
        table.pointee.reply = { context, number, status, payload, reason in
            guard payload.length <= Int(MUSTER_BUS_PAYLOAD_LIMIT) else { return MUSTER_INVALID }
            let reply = FakeReply(status: status, payload: [UInt8](payload), reason: String(reason))
            return FakeHost.of(context).state.withLock { state in
                guard state.bus.open.remove(number) != nil else { return MUSTER_GONE }
                state.bus.replies[number] = reply
                return MUSTER_OK
            }
        }
        return table
    }

    private func take(_ error: UnsafeMutablePointer<muster_error>?, _ body: (inout FakeBus) -> Void) -> muster_status {
        let status = state.withLock { state in
            if state.bus.status == MUSTER_OK { body(&state.bus) }
            return state.bus.status
        }
        guard status != MUSTER_OK, let error else { return status }
        withUnsafeMutableBytes(of: &error.pointee.message) { $0.copyBytes(from: Array("the test wants it".utf8)) }
        return status
    }
}

extension FakeCall {
    fileprivate init(_ id: UInt64, _ options: muster_bus_call_options) {
        self.id = id
        service = String(options.service)
        method = String(options.method)
        payload = [UInt8](options.payload)
        timeout = options.timeout
        self.options = FakeCallOptions(value: options)
    }
}

extension [UInt8] {
    init(_ bytes: muster_bytes) { self.init(UnsafeBufferPointer(start: bytes.data, count: bytes.length)) }
}

extension TableMemory {
    func payload(_ bytes: [UInt8]) -> muster_bytes {
        let text = self.bytes(bytes)
        let start = UnsafeRawPointer(text.data)?.assumingMemoryBound(to: UInt8.self)
        return muster_bytes(data: start, length: text.length)
    }
}

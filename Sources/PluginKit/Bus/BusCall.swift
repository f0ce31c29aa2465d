import MusterABI

/// A message as a subscriber gets it.
public struct BusMessage: Sendable, Equatable {
    public var topic: Topic
    /// The component that published it, as the host knows it.
    public var sender: String
    public var payload: [UInt8]

    public init(topic: Topic, sender: String, payload: [UInt8]) {
        self.topic = topic
        self.sender = sender
        self.payload = payload
    }
}

/// A call that a service was given. It may be kept, copied and replied to from any thread, once.
public struct BusCall: Sendable {
    let link: HostLink
    let id: muster_bus_call
    public let service: Service
    public let method: String
    /// The component that calls, as the host knows it.
    public let caller: String
    public let payload: [UInt8]
    /// When the caller stops waiting.
    public let deadline: SuspendingClock.Instant

    /// What became of a reply.
    public enum Result: Sendable, Equatable {
        case done
        /// The call has ended: it was replied to before, its deadline has passed, or the component stops.
        case gone
        /// There is no room now: try again.
        case busy
        /// The payload is too large. The caller was told that the call failed.
        case invalid
    }

    /// Replies, at most 256 KiB.
    @discardableResult
    public func reply(_ payload: [UInt8] = []) -> Result {
        let result = send(MUSTER_OK, payload, "")
        if result == .invalid { fail("the reply of \(payload.count) bytes is too large for the bus") }
        return result
    }

    /// Replies that it could not be done.
    /// - Parameter reason: a sentence for a person, without a secret.
    @discardableResult
    public func fail(_ reason: String, payload: [UInt8] = []) -> Result {
        let result = send(MUSTER_FAILED, payload, reason)
        guard result == .invalid, !payload.isEmpty else { return result }
        _ = send(MUSTER_FAILED, [], reason)
        return .invalid
    }

    private func send(_ status: muster_status, _ payload: [UInt8], _ reason: String) -> Result {
        guard link.isOpen, let bus = link.bus else { return .gone }
        let answered = payload.withABIBytes { bytes in
            withABIText(reason) { bus.reply(bus.context, id, status, bytes, $0) }
        }
        return switch answered {
        case MUSTER_OK: .done
        case MUSTER_BUSY: .busy
        case MUSTER_INVALID: .invalid
        default: .gone
        }
    }

    /// What follows where a handler threw.
    func fail(_ failure: any Error) {
        if let failure = failure as? CallFailure {
            fail(failure.reason, payload: failure.payload)
        } else if !(failure is CancellationError) {
            Log(link: link).error(
                "A call's handler failed.", ["service": service.name, "method": method, "error": "\(failure)"])
            fail("the component could not answer this call")
        } else {
            fail("the component stops")
        }
    }
}

extension BusCall {
    init(_ request: muster_bus_request, _ link: HostLink) {
        self.link = link
        id = request.call
        service = Service(request.service.repairedText)
        method = request.method.repairedText
        caller = request.caller.repairedText
        payload = request.payload.array
        deadline = .init(monotonicNanoseconds: request.deadline)
    }
}

extension muster_bytes {
    /// A copy; empty where the pointer is NULL, whatever the length says.
    var array: [UInt8] {
        guard let data else { return [] }
        return Array(UnsafeBufferPointer(start: data, count: length))
    }
}

extension [UInt8] {
    /// The bytes as the ABI passes them, for one call.
    func withABIBytes<Result>(_ body: (muster_bytes) -> Result) -> Result {
        withUnsafeBufferPointer { body(muster_bytes(data: $0.baseAddress, length: $0.count)) }
    }
}

public import FoundationEssentials

/// What a component says to the bus; its worker sends it as `WorkerReport.bus`.
///
/// The supervisor believes nothing of it: who says it is known by the socket it came from, and whether it may by the
/// manifest and the configuration.
public enum BusReport: Codable, Equatable, Sendable {
    case publish(topic: String, payload: Data)
    case call(BusCall)
    /// Nobody waits for the answer any more.
    case cancel(id: UInt64)
    /// The answer to a call that was handed over, by the supervisor's number.
    case reply(number: UInt64, BusReply)
    /// The plugin has not seen this call, and will not.
    case decline(number: UInt64, BusRefusal)
    /// Messages of a topic that the worker dropped since it last said so, coming or going.
    case dropped(topic: String, count: UInt64)
}

/// What the bus has for a component; the supervisor sends it as `WorkerCommand.bus`.
public enum BusCommand: Codable, Equatable, Sendable {
    case message(topic: String, sender: String, payload: Data)
    case request(BusRequest)
    /// Nobody waits for the reply to this request any more.
    case withdrawn(number: UInt64)
    /// What came of a call, by the worker's number: once for each that it made and did not cancel.
    case answer(id: UInt64, BusAnswer)
    /// What the component may do from now on.
    case plan(BusPlan)
}

/// A call on its way from the caller.
public struct BusCall: Codable, Equatable, Sendable {
    /// The caller's number, unique in its component and worker.
    public var id: UInt64
    public var service: String
    public var method: String
    public var payload: Data
    /// CLOCK_MONOTONIC, nanoseconds.
    public var deadline: UInt64

    public init(id: UInt64, service: String, method: String, payload: Data, deadline: UInt64) {
        self.id = id
        self.service = service
        self.method = method
        self.payload = payload
        self.deadline = deadline
    }
}

/// A call on its way to the service.
public struct BusRequest: Codable, Equatable, Sendable {
    /// The supervisor's number, never used again.
    public var number: UInt64
    public var service: String
    public var method: String
    /// The component that calls.
    public var caller: String
    public var payload: Data
    /// CLOCK_MONOTONIC, nanoseconds.
    public var deadline: UInt64

    public init(
        number: UInt64, service: String, method: String, caller: String, payload: Data, deadline: UInt64
    ) {
        self.number = number
        self.service = service
        self.method = method
        self.caller = caller
        self.payload = payload
        self.deadline = deadline
    }
}

/// What a service replied.
public struct BusReply: Codable, Equatable, Sendable {
    /// A `muster_status`; 0: well.
    public var status: UInt32
    public var reason: String
    public var payload: Data

    public init(status: UInt32 = 0, reason: String = "", payload: Data = Data()) {
        self.status = status
        self.reason = reason
        self.payload = payload
    }
}

/// What came of a call.
public enum BusAnswer: Codable, Equatable, Sendable {
    /// The service replied, well or not.
    case replied(BusReply)
    /// The host did not hand it over.
    case refused(BusRefusal)
    /// The deadline passed.
    case timedOut
    /// The service's worker ended with the call in its hands: whether it was done is not known.
    case lost(reason: String)
}

/// Why a call was not handed over: each with a sentence for a person.
public enum BusRefusal: Codable, Equatable, Sendable {
    /// A queue is full.
    case busy(String)
    /// It may not be called.
    case notAllowed(String)
    /// Nobody serves it, nor will without a reload.
    case unreachable(String)
}

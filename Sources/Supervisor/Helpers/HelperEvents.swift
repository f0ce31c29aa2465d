import ControlProtocol

/// A helper, numbered by the machine and never used again.
struct HelperID: Hashable, Comparable, Sendable {
    var number: UInt64
    static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// What can happen about helpers.
enum HelperEvent: Sendable {
    /// A worker asks for one. `isStaged`: its configuration has such a helper.
    case requested(WorkerID, HelperRequest, isStaged: Bool)
    case endRequested(WorkerID, component: String, number: UInt64, grace: Nanoseconds)
    case spawnFailed(HelperID, reason: String)
    /// It could not become its program; its end follows.
    case failed(HelperID, reason: String)
    /// It is sealed and has become its program.
    case executed(HelperID)
    case exited(HelperID, ExitStatus)
    /// A worker was told to stop: it starts nothing any more.
    case workerStops(WorkerID)
    case workerEnded(WorkerID)
    /// A deadline may have passed.
    case tick
}

/// What the machine wants done about helpers, in this order.
enum HelperAction: Equatable, Sendable {
    case start(HelperID, WorkerID, HelperRequest)
    /// Send the worker its end of the socket.
    case handOver(HelperID)
    case tell(WorkerID, WorkerCommand)
    /// SIGKILL goes to the helper and all that it has started, any other signal to it alone.
    case signal(HelperID, Int32)
    case log(LogLevel, WorkerID, component: String, helper: String, String)
    /// The worker says what no worker says.
    case distrust(WorkerID, reason: String)
}

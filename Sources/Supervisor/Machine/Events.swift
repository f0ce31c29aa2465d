import ControlProtocol

/// A worker process, numbered by the machine and never used again.
struct WorkerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    var number: UInt64
    static func < (left: Self, right: Self) -> Bool { left.number < right.number }
    var description: String { "worker \(number)" }
}

/// Someone on the control socket who waits for a receipt.
typealias ClientID = UInt64

/// How a process ended.
enum ExitStatus: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)

    /// The status by which a worker says that its configuration is wrong (sysexits.h, EX_CONFIG).
    static let configuration = ExitStatus.exited(78)
}

/// What can happen to the supervisor.
enum Event: Sendable {
    /// `at`: seconds since 1970, for the receipt.
    case reloadRequested(ReloadReceipt.Trigger, client: ClientID?, at: Double)
    /// The client has gone: its request stands, its answer is not wanted.
    case clientLeft(ClientID)
    /// The answer to `readConfiguration`.
    case configurationRead(Proposal)
    /// The same: each a whole message for the operator.
    case configurationRefused([String])
    /// The answer to `resolve`, by unit.
    case resolved(proposal: UInt64, [String: Resolution])
    case spawned(WorkerID, pid: Int32)
    case spawnFailed(WorkerID, reason: String)
    /// `diagnostic` is the whole message for the operator where the report is a failure.
    case report(WorkerID, WorkerReport, diagnostic: String?)
    /// The control socket spoke nonsense, or takes nothing any more.
    case channelFailed(WorkerID, reason: String)
    /// The control socket ended.
    case channelEnded(WorkerID)
    case exited(WorkerID, ExitStatus)
    /// SIGTERM or SIGINT.
    case shutdownRequested
    /// A deadline may have passed.
    case tick
}

/// What the machine wants done, in this order.
enum Action: Sendable {
    case readConfiguration
    /// Check options and listeners of these units of the proposal against the manifests they reported.
    case resolve(proposal: UInt64, units: [String])
    /// Start a process and send it `load`.
    case spawn(WorkerID, UnitPlan, generation: UInt64, proposal: UInt64)
    case send(WorkerID, WorkerCommand)
    case signal(WorkerID, Int32)
    /// Bind what is not bound yet, and answer the worker with the descriptors, or with why not.
    case grantListener(WorkerID, component: String, listener: String, addresses: [BindAddress])
    /// Have the https listeners of a worker served with what this proposal says from now on.
    case renewCredentials(WorkerID, proposal: UInt64)
    /// Unbind every listener but these.
    case retainListeners(Set<BindAddress>)
    /// A worker died: see whether it left the shared sockets listening.
    case inspectListeners
    case log(LogLevel, component: String?, generation: UInt64?, String)
    /// A reload, or the start, has ended.
    case finished(ReloadReceipt, clients: [ClientID])
    case refuse(clients: [ClientID], String)
    /// This proposal is what runs now.
    case committed(proposal: UInt64)
    /// No other proposal is needed any more.
    case retainProposals(Set<UInt64>)
    case exit(Int32)
}

internal import ControlProtocol

/// What the control thread has to deal with, in the order it came.
enum ControlEvent: Sendable {
    /// The supervisor's next command, with the descriptors that came with it.
    case command(WorkerCommand, [Descriptor])
    /// The supervisor has died, or says what is not the protocol.
    case supervisorGone(String)
    /// SIGTERM.
    case terminate
    /// A component has said that it cannot go on.
    case componentFailed(component: String, reason: String)
    /// The exchanges of one drain are over.
    case drained(Int)
}

import ControlProtocol
import Glibc

/// One helper's process, from the moment it is to become one.
final class HelperProcess: ChildProcess {
    let id: HelperID
    /// The worker of the component that asked for it.
    let worker: WorkerID
    let generation: UInt64
    /// Whom its output is logged as: `Component/helper`.
    let name: String
    /// The component's end of its socket, until it is handed over.
    var socket: Descriptor?
    /// It has reported that it is sealed.
    var isSealed = false

    init(_ child: Spawner.Child, id: HelperID, of worker: WorkerProcess, name: String, socket: Descriptor) {
        self.id = id
        self.worker = worker.id
        self.name = name
        self.socket = socket
        generation = worker.generation
        super.init(child)
    }

    private var isReaped = false

    /// Ends it and all that it has started: they cannot leave its process group. Before it is reaped alone: after that
    /// its number, which is its group's, may be somebody else's.
    func killGroup() {
        if !isReaped { _ = Glibc.kill(-pid, SIGKILL) }
    }

    override func reap() -> ExitStatus? {
        let status = super.reap()
        if status != nil { isReaped = true }
        return status
    }
}

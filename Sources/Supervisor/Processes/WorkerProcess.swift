/// One worker's process.
final class WorkerProcess: ChildProcess {
    let id: WorkerID
    let generation: UInt64
    /// Whom its output is logged as.
    let name: String
    let proposal: UInt64
    /// Whole frames may be left in the channel.
    var hasUnreadFrames = false
    /// It has had its turn since the last poll.
    var isServed = false

    init(_ child: Spawner.Child, id: WorkerID, name: String, generation: UInt64, proposal: UInt64) {
        self.id = id
        self.name = name
        self.generation = generation
        self.proposal = proposal
        super.init(child)
    }

    override func closeChannel() {
        super.closeChannel()
        hasUnreadFrames = false
    }
}

internal import CLinux
internal import ControlProtocol
internal import Glibc

/// The process that runs components: `muster worker`, started by the supervisor with the control socket on descriptor 3.
public enum WorkerMain {
    /// The control socket's number, as the supervisor leaves it.
    private static let controlDescriptor: CInt = 3

    /// The worker's whole life, on the main thread. To be called first thing: no thread, Dispatch call, await or event
    /// loop may come before the privileges are dropped.
    public static func run() -> Never {
        let parent = getppid()
        ignoreSignals()
        let control = Descriptor(owning: controlDescriptor)
        let channel = ControlChannel(control)
        let plan = receivePlan(channel)
        _ = clinux_set_process_name(plan.name)
        // Each connection is a descriptor, and the usual soft limit is 1,024. Where it cannot be raised, accept says so.
        _ = clinux_raise_descriptor_limit()
        do {
            let link = try SupervisorLink(control)
            do throws(PrivilegeFailure) {
                try plan.privileges.drop(isDebugging: plan.isDebugging, parent: parent)
            } catch {
                let failure = WorkerFailure(component: nil, stage: .privileges, message: error.description)
                try? link.report(.failed(failure))
                leave(.failure, link)
            }
            // From here on there may be threads.
            try work(plan, channel, link)
        } catch {
            complain("\(error)")
        }
    }

    private static func work(
        _ plan: WorkerPlan, _ channel: sending ControlChannel, _ link: SupervisorLink
    ) throws(ThreadFailure) -> Never {
        let queue = try ControlQueue()
        let vitals = WorkerVitals()
        try startReader(channel, link: link, queue: queue, vitals: vitals, name: plan.name)
        let engine = EventLoops(count: plan.loopCount)
        vitals.watch(engine)
        let worker = Worker(plan, link: link, queue: queue, vitals: vitals, engine: engine)
        // To the very end: a thread that a plugin has left running still finds the host's tables, and is told so.
        withExtendedLifetime(worker) { leave(worker.run(), link) }
    }

    private static func startReader(
        _ channel: sending ControlChannel, link: SupervisorLink, queue: ControlQueue, vitals: WorkerVitals, name: String
    ) throws(ThreadFailure) {
        let reader = try SupervisorReader(channel, link: link, queue: queue, vitals: vitals, name: name)
        try WorkerThread(name: "control") { reader.run() }.detach()
    }

    /// A terminal's ^C goes to all its processes; the supervisor decides what comes of it. SIGTERM is read by the reader
    /// thread from a descriptor, so no thread may take it.
    private static func ignoreSignals() {
        signal(SIGINT, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &mask, nil)
    }

    /// The first frame. Without one there is no supervisor: somebody has started the worker by hand, or it has died.
    private static func receivePlan(_ channel: ControlChannel) -> WorkerPlan {
        do throws(ChannelError) {
            if case .load(let plan) = try channel.waitToReceive(WorkerCommand.self).message { return plan }
            complain("the supervisor's first command is not load")
        } catch {
            complain("\(error); a worker is started by 'muster run', not by hand")
        }
    }

    /// To standard error, which the supervisor reads.
    private static func complain(_ sentence: String) -> Never {
        let line = Array("muster worker: \(sentence)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        _exit(Worker.Exit.failure.rawValue)
    }

    /// Ends the process without destructors: event loops and threads still run, and what they use must not go.
    private static func leave(_ exit: Worker.Exit, _ link: SupervisorLink) -> Never {
        link.flush(until: MonotonicTime.after(MonotonicTime.now, MonotonicTime.second))
        fflush(nil)
        _exit(exit.rawValue)
    }
}

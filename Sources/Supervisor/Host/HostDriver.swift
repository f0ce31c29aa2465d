import CLinux
import Configuration
import ControlProtocol
import FoundationEssentials
import Glibc

/// The machine's hands: one thread that waits in poll, turns what happens into events and carries actions out.
///
/// Nothing here decides anything that can be decided in `SupervisorMachine`.
final class HostDriver {
    /// What does not change while the host runs.
    struct Setup {
        var configurationPath: String
        var environment: [String: String]
        var settings: Settings
        var pinned: [String: PluginPlan] = [:]
        var isCheck = false
        var spawner = Spawner()
        var credentialFilePeriod = HostDriver.credentialFilePeriod
    }

    let setup: Setup
    let stage: Stage
    let log: LogWriter
    let signals: SignalSource
    let control: ControlServer?
    let listeners = ListenerTable()
    let startedAt = monotonicNow()
    /// Seconds since 1970.
    let startedAtWallClock = WallClock.now().interval
    var machine: SupervisorMachine
    var processes: [WorkerID: WorkerProcess] = [:]
    /// Plans of the processes, to tell which component and file a failure is about.
    var plans: [WorkerID: UnitPlan] = [:]
    var helpers: HelperMachine
    var helperProcesses: [HelperID: HelperProcess] = [:]
    /// The settings the start was read with, until it is begun.
    var initialSettings: Settings?
    var committedText: [UInt8] = []
    var lastReceipt: ReloadReceipt?
    var exitStatus: Int32?
    var ticketKeys = TicketKeys()
    /// What workers have counted.
    var ledger = MetricsLedger()
    /// Components whose metrics no longer fit, which has been said.
    var crowdedOut: Set<String> = []
    let notifier: ServiceNotifier
    var saidStopping = false
    var lastReloadRefused = false
    /// When certificates are looked at again.
    var nextCredentialCheck: Instant = monotonicNow().after(HostDriver.credentialPeriod)
    /// When the operator's certificate files are.
    var nextCredentialLook: Instant
    var credentialWatch = CredentialWatch()
    var bus = BusRelay()
    /// What `host.status` answers, and until when.
    var busStatus: (reply: BusReply, until: Instant)?
    private var inbox: [Occurrence] = []

    init(_ setup: Setup, stage: Stage, log: LogWriter, signals: SignalSource, control: ControlServer?) {
        self.setup = setup
        self.stage = stage
        self.log = log
        self.signals = signals
        self.control = control
        notifier = ServiceNotifier(environment: setup.isCheck ? [:] : setup.environment)
        initialSettings = setup.settings
        nextCredentialLook = monotonicNow().after(setup.credentialFilePeriod)
        helpers = HelperMachine(isCheck: setup.isCheck)
        machine = SupervisorMachine(isCheck: setup.isCheck) { limit in UInt64.random(in: 0...limit) }
    }

    /// Runs until the machine says how to exit.
    func run() -> Int32 {
        post(.reloadRequested(.start, client: nil, at: WallClock.now().interval))
        while exitStatus == nil {
            deliver()
            tendNotifier()
            if exitStatus == nil { wait() }
        }
        finish()
        return exitStatus ?? 1
    }

    /// What happened, in order, and whom it concerns.
    private enum Occurrence {
        case host(Event)
        case bus(BusRelay.Event)
    }

    func post(_ event: Event) { inbox.append(.host(event)) }

    func post(bus event: BusRelay.Event) { inbox.append(.bus(event)) }

    /// Hands events to the machines until there are none; what an action brings about comes after what was there.
    private func deliver() {
        var next = 0
        while next < inbox.count, exitStatus == nil {
            let occurrence = inbox[next]
            next += 1
            switch occurrence {
            case .host(let event):
                for action in machine.handle(event, at: monotonicNow()) { perform(action) }
                updateBus()
            case .bus(let event): relay(event)
            }
        }
        inbox.removeAll(keepingCapacity: inbox.count < 1024)
    }

    // MARK: Waiting

    private enum Source {
        case signals, log, control
        case client(ClientID)
        case worker(WorkerID)
        case workerEnd(WorkerID)
        case helper(HelperID)
        case helperEnd(HelperID)
    }

    private func wait() {
        var (entries, sources) = interests()
        let now = monotonicNow()
        let deadlines = [
            machine.nextDeadline, bus.nextDeadline, helpers.nextDeadline, ticketKeys.nextRotation, nextCredentialCheck,
            nextCredentialLook, notifier.nextDeadline,
        ].compactMap(\.self)
        // Of frames that were read and not taken yet, poll knows nothing.
        let hasFrames = processes.values.contains { $0.hasUnreadFrames }
        let timeout = hasFrames ? 0 : deadlines.min().map { $0.since(now) } ?? .max
        let ready = clinux_poll(&entries, entries.count, timeout)
        if ready < 0 { log.log(.error, "poll: \(SystemError.sentence(-ready))") }
        for (entry, source) in zip(entries, sources) where entry.revents != 0 { handle(source, entry.revents) }
        for process in processes.values.sorted(by: { $0.id < $1.id }) {
            if process.hasUnreadFrames { serve(process, 0) }
            process.isServed = false
        }
        tendCredentials()
        post(helper: .tick)
        post(.tick)
        post(bus: .tick)
    }

    private func interests() -> ([pollfd], [Source]) {
        var entries = [pollfd(fd: signals.descriptor.rawValue, events: Int16(POLLIN), revents: 0)]
        var sources = [Source.signals]
        if let descriptor = log.pending {
            entries.append(pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0))
            sources.append(.log)
        }
        if let control {
            if control.hasRoom {
                entries.append(pollfd(fd: control.descriptor.rawValue, events: Int16(POLLIN), revents: 0))
                sources.append(.control)
            }
            for client in control.clients.values {
                let events = client.channel.hasPendingOutput ? POLLIN | POLLOUT : POLLIN
                entries.append(pollfd(fd: client.channel.rawDescriptor, events: Int16(events), revents: 0))
                sources.append(.client(client.id))
            }
        }
        // Sorted, so that nobody is served first by the luck of a hash; ends last, after the last words.
        for process in processes.values.sorted(by: { $0.id < $1.id }) {
            for entry in process.interests {
                entries.append(entry)
                sources.append(.worker(process.id))
            }
            entries.append(pollfd(fd: process.pidDescriptor.rawValue, events: Int16(POLLIN), revents: 0))
            sources.append(.workerEnd(process.id))
        }
        for process in helperProcesses.values.sorted(by: { $0.id < $1.id }) {
            for entry in process.interests {
                entries.append(entry)
                sources.append(.helper(process.id))
            }
            entries.append(pollfd(fd: process.pidDescriptor.rawValue, events: Int16(POLLIN), revents: 0))
            sources.append(.helperEnd(process.id))
        }
        return (entries, sources)
    }

    private func handle(_ source: Source, _ events: Int16) {
        switch source {
        case .signals: takeSignals()
        case .log: log.flush()
        case .control:
            for user in control?.accept() ?? [] {
                log.log(.warning, "user \(user) may not use the control socket and was turned away")
            }
        case .client(let id): serve(id, events)
        case .worker(let id): if let process = processes[id] { serve(process, events) }
        case .workerEnd(let id): if let process = processes[id] { end(process) }
        case .helper(let id): if let process = helperProcesses[id] { serve(process) }
        case .helperEnd(let id): if let process = helperProcesses[id] { end(process) }
        }
    }

    private func takeSignals() {
        for signal in signals.read() {
            switch signal {
            case .reload: post(.reloadRequested(.signal, client: nil, at: WallClock.now().interval))
            case .shutdown: post(.shutdownRequested)
            case .childEnded: reapStrays()
            }
        }
    }

    /// As process 1 of a container, the host inherits whatever loses its parent.
    private func reapStrays() {
        let known = processes.values.map(\.pid) + helperProcesses.values.map(\.pid)
        for _ in 0..<1024 where clinux_reap_stray(known, CInt(known.count)) == 0 { return }
    }

    // MARK: Ending

    /// The last lines get a moment to be read; a reader that stalls does not hold the exit up.
    private func finish() {
        let deadline = monotonicNow().after(.seconds(1))
        finishHelpers(until: deadline)
        log.flush()
        while let descriptor = log.pending, monotonicNow() < deadline {
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = clinux_poll(&entry, 1, deadline.since(monotonicNow()))
            log.flush()
        }
        for client in control?.clients.values.map(\.id) ?? [] { control?.remove(client) }
    }
}

import CLinux
import ControlProtocol
import Glibc

/// Helpers: what comes from them and what is done about them.
extension HostDriver {
    func post(helper event: HelperEvent) {
        for action in helpers.handle(event, at: monotonicNow()) { perform(action) }
    }

    func take(_ request: HelperRequest, of process: WorkerProcess) {
        let isStaged = stagedHelper(request.name, of: request.component, process) != nil
        post(helper: .requested(process.id, request, isStaged: isStaged))
    }

    /// The helper as the configuration that the worker runs has it.
    private func stagedHelper(_ name: String, of component: String, _ process: WorkerProcess) -> StagedHelper? {
        guard plans[process.id]?.components.contains(component) == true else { return nil }
        return stage.configurations[process.proposal]?.helpers[component]?.first { $0.name == name }
    }

    private func perform(_ action: HelperAction) {
        switch action {
        case .start(let id, let worker, let request): start(id, request, of: worker)
        case .handOver(let id): handOver(id)
        case .tell(let worker, let command): send(worker, command)
        case .signal(let id, Signal.kill): helperProcesses[id]?.killGroup()
        case .signal(let id, let number): helperProcesses[id]?.signal(number)
        case .log(let level, let worker, let component, let helper, let message):
            log.log(
                level, message, component: "\(component)/\(helper)", generation: processes[worker]?.generation)
        case .distrust(let worker, let reason): post(.channelFailed(worker, reason: reason))
        }
    }

    // MARK: Starting

    private func start(_ id: HelperID, _ request: HelperRequest, of worker: WorkerID) {
        guard let process = processes[worker], let unit = plans[worker],
            let plugin = unit.plugins.first(where: { $0.component == request.component }),
            let helper = stagedHelper(request.name, of: request.component, process)
        else { return post(helper: .spawnFailed(id, reason: "its configuration is gone")) }
        do throws(SystemError) {
            // O_PATH: the folder may be another user's, and is only gone on from.
            let folder = try Files.open(Files.directory(of: helper.copy.path), Self.pathOnly | O_DIRECTORY)
            let (socket, theirs) = try Self.packetPair()
            var spawner = setup.spawner
            spawner.arguments = ["muster", "helper"]
            spawner.hasSession = true
            let environment = Spawner.environment(from: setup.environment, isDebugging: false)
            let child = HelperProcess(
                try spawner.spawn(environment: environment), id: id, of: process,
                name: "\(request.component)/\(helper.name)", socket: socket)
            helperProcesses[id] = child
            send(
                HelperPlan(
                    program: Files.name(of: helper.copy.path), arguments: request.arguments, environment: environment,
                    privileges: privileges(of: helper, unit), readsFiles: helper.declaration.readsFiles,
                    writesState: helper.declaration.writesState, stateDirectory: plugin.stateDirectory,
                    mayLack: helper.mayLack), [folder, theirs], to: child)
        } catch {
            post(helper: .spawnFailed(id, reason: "\(error)"))
        }
    }

    /// O_PATH of open(2).
    private static let pathOnly: CInt = 0o10000000

    /// Those of its worker, but for the capabilities, of which it has what it declares.
    private func privileges(of helper: StagedHelper, _ unit: UnitPlan) -> Privileges {
        var privileges = unit.privileges
        privileges.capabilities = helper.declaration.capabilities
        return privileges
    }

    private static func packetPair() throws(SystemError) -> (ours: Descriptor, theirs: Descriptor) {
        var (ours, theirs): (CInt, CInt) = (-1, -1)
        let status = clinux_packet_pair(&ours, &theirs)
        guard status == 0 else { throw SystemError("making a helper's sockets", number: -status) }
        return (Descriptor(owning: ours), Descriptor(owning: theirs))
    }

    private func send(_ plan: HelperPlan, _ descriptors: [Descriptor], to process: HelperProcess) {
        do throws(ChannelError) {
            try process.channel.send(plan, descriptors: descriptors.map(\.rawValue))
        } catch {
            lose(process, "it cannot be told what to be: \(error)")
        }
    }

    private func handOver(_ id: HelperID) {
        guard let helper = helperProcesses[id], let socket = helper.socket,
            let request = helpers.helpers[id]?.request
        else { return }
        send(
            helper.worker, .helperStarted(component: request.component, number: request.number),
            descriptors: [socket.rawValue])
        // The worker's from here on: a copy kept here would hide the end of it from the helper.
        helper.socket = nil
    }

    // MARK: What comes from them

    func serve(_ process: HelperProcess) {
        logOutput(process.readOutput(), of: process)
        readReports(process)
        guard process.isChannelOpen, process.channel.hasPendingOutput else { return }
        do throws(ChannelError) { try process.channel.flush() } catch { lose(process, "\(error)") }
    }

    private func readReports(_ process: HelperProcess) {
        guard process.isChannelOpen else { return }
        do throws(ChannelError) {
            // It says one or two things.
            for _ in 0..<4 {
                guard let received = try process.channel.receive(HelperReport.self) else { return }
                take(received.message, of: process)
            }
            lose(process, "it says more than a helper has to say")
        } catch {
            guard case .closed = error.code else { return lose(process, "\(error)") }
            process.closeChannel()
            if process.isSealed { post(helper: .executed(process.id)) }
        }
    }

    private func take(_ report: HelperReport, of process: HelperProcess) {
        switch report {
        case .failed(let reason): post(helper: .failed(process.id, reason: reason))
        case .sealed(let missing):
            process.isSealed = true
            guard !missing.isEmpty else { return }
            log.log(
                .warning,
                "it starts without \(missing.map(\.rawValue).joined(separator: " and ")), which this kernel lacks and "
                    + "'helpers: {without: …}' allows to be lacking: it is not sealed as it should be",
                component: process.name, generation: process.generation)
        }
    }

    /// A process that cannot be spoken with does not become a helper.
    private func lose(_ process: HelperProcess, _ reason: String) {
        process.closeChannel()
        post(helper: .failed(process.id, reason: reason))
        process.killGroup()
    }

    private func logOutput(_ lines: [(LogLevel, String)], of process: HelperProcess) {
        for (level, line) in lines {
            log.log(
                LogEntry(
                    time: .now(), level: level, component: process.name, generation: process.generation, message: line))
        }
    }

    /// The process has ended: what it has started is ended with it, then come its last words and its status.
    func end(_ process: HelperProcess) {
        process.killGroup()
        guard let status = process.reap() else { return }
        readReports(process)
        logOutput(process.finishOutput(), of: process)
        helperProcesses[process.id] = nil
        post(helper: .exited(process.id, status))
    }

    /// At the host's end. Their workers have ended, so all are being killed already; none is to be left behind.
    func finishHelpers(until deadline: Instant) {
        for process in helperProcesses.values { process.killGroup() }
        while let process = helperProcesses.values.first, monotonicNow() < deadline {
            var entry = pollfd(fd: process.pidDescriptor.rawValue, events: Int16(POLLIN), revents: 0)
            _ = clinux_poll(&entry, 1, deadline.since(monotonicNow()))
            end(process)
        }
    }
}

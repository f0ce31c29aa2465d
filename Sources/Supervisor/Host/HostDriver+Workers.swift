import ControlProtocol
import Glibc

/// What comes from workers: reports, output, ends.
extension HostDriver {
    /// Messages taken from one worker before the others get their turn.
    private static let messagesPerTurn = 64
    /// The same in bytes of what goes over the bus: large payloads cost more than their number says.
    private static let busBytesPerTurn = 1 << 20

    /// Once between two polls, however many of its descriptors are ready.
    func serve(_ process: WorkerProcess, _ events: Int16) {
        guard !process.isServed else { return }
        process.isServed = true
        logOutput(process.readOutput(), of: process)
        readReports(process, atMost: Self.messagesPerTurn, busBytes: Self.busBytesPerTurn)
        flush(process)
    }

    private func flush(_ process: WorkerProcess) {
        guard process.isChannelOpen, process.channel.hasPendingOutput else { return }
        do {
            try process.channel.flush()
            if let backlog = backlog(of: process.id) { post(bus: .backlog(process.id, backlog)) }
        } catch {
            channelFailed(process, error)
        }
    }

    private func readReports(_ process: WorkerProcess, atMost count: Int, busBytes: Int) {
        guard process.isChannelOpen else { return }
        do {
            process.hasUnreadFrames = true
            var room = busBytes
            for _ in 0..<count where room > 0 {
                guard let received = try process.channel.receive(WorkerReport.self) else {
                    process.hasUnreadFrames = false
                    return
                }
                if case .bus(_, let report) = received.message { room -= report.payloadCount }
                take(received.message, of: process)
            }
        } catch {
            channelFailed(process, error)
        }
    }

    private func channelFailed(_ process: WorkerProcess, _ error: ChannelError) {
        process.closeChannel()
        if case .closed = error.code {
            post(.channelEnded(process.id))
        } else {
            post(.channelFailed(process.id, reason: "\(error)"))
        }
        post(bus: .closed(process.id))
    }

    private func take(_ report: WorkerReport, of process: WorkerProcess) {
        guard let plan = plans[process.id] else { return }
        var report = report
        var diagnostic: String?
        switch report {
        case .log(let record):
            logRecord(record, of: process)
            return
        case .bus(let component, let report):
            takeBus(report, of: component, process)
            return
        case .helperRequest(let request):
            take(request, of: process)
            return
        case .helperEnd(let component, let number, let grace):
            post(helper: .endRequested(process.id, component: component, number: number, grace: grace))
            return
        case .metrics(let report):
            ledger.take(report, of: process.id)
            return
        case .snapshotRequest(let number):
            answerSnapshot(number, of: process)
            return
        case .pulse(let pulse):
            ledger.take(pulse, of: process.id)
            inspectListeners()
        case .loaded(let manifests):
            guard manifests.count == plan.plugins.count else {
                let reason = "it reported \(manifests.count) manifests for \(plan.plugins.count) plugins"
                post(.channelFailed(process.id, reason: reason))
                return
            }
            for (plugin, manifest) in zip(plan.plugins, manifests) { stage.note(manifest, digest: plugin.digest) }
        case .failed(var failure):
            failure.message = plan.namingOrigins(in: failure.message)
            report = .failed(failure)
            diagnostic = stage.diagnostic(failure, unit: plan, proposal: process.proposal)
        default: break
        }
        post(.report(process.id, report, diagnostic: diagnostic))
    }

    private func logRecord(_ record: LogRecord, of process: WorkerProcess) {
        let isKnown = plans[process.id]?.components.contains(record.component) ?? false
        log.log(
            LogEntry(
                time: .now(), level: record.level, component: isKnown ? record.component : process.name,
                generation: process.generation, message: record.message, fields: record.fields))
    }

    private func logOutput(_ lines: [(LogLevel, String)], of process: WorkerProcess) {
        for (level, line) in lines {
            log.log(
                LogEntry(
                    time: .now(), level: level, component: process.name, generation: process.generation, message: line))
        }
    }

    /// The process has ended: its last words, then its status.
    func end(_ process: WorkerProcess) {
        guard let status = process.reap() else { return }
        // Why it ended may come after much that it had to say on the bus.
        readReports(process, atMost: 1024, busBytes: .max)
        logOutput(process.finishOutput(), of: process)
        processes[process.id] = nil
        post(helper: .workerEnded(process.id))
        ledger.ended(process.id, processorSeconds: process.processorSeconds)
        post(.exited(process.id, status))
    }

    // MARK: Actions

    func spawn(_ id: WorkerID, _ plan: UnitPlan, generation: UInt64, proposal: UInt64) {
        do throws(SystemError) {
            let environment = Spawner.environment(from: setup.environment, isDebugging: plan.isDebugging)
            let child = try setup.spawner.spawn(environment: environment)
            let process = WorkerProcess(child, id: id, name: plan.name, generation: generation, proposal: proposal)
            processes[id] = process
            plans[id] = plan
            ledger.started(id, unit: plan.name, components: plan.components)
            post(.spawned(id, pid: process.pid))
            send(id, .load(workerPlan(plan, generation: generation)))
        } catch {
            post(.spawnFailed(id, reason: "\(error)"))
        }
    }

    private func workerPlan(_ plan: UnitPlan, generation: UInt64) -> WorkerPlan {
        WorkerPlan(
            name: plan.name, generation: generation,
            plugins: plan.plugins.map {
                WorkerPlan.Plugin(
                    component: $0.component, path: $0.copyPath, stateDirectory: $0.stateDirectory, builtIn: $0.builtIn)
            }, privileges: plan.privileges, loopCount: plan.loopCount, logLevel: plan.logLevel,
            isDebugging: plan.isDebugging)
    }

    func send(_ id: WorkerID, _ command: WorkerCommand, descriptors: [CInt] = []) {
        guard let process = processes[id], process.isChannelOpen else { return }
        do {
            try process.channel.send(command, descriptors: descriptors)
        } catch {
            // What it said before it closed its end is still to be read.
            if case .closed = error.code { return }
            post(.channelFailed(id, reason: "\(error)"))
        }
    }

    func grant(_ id: WorkerID, component: String, listener: String, addresses: [BindAddress]) {
        do throws(Refusal) {
            var bound: [ListenerTable.Listener] = []
            for address in addresses {
                bound.append(try setup.isCheck ? stand(in: address) : listeners.listener(address))
            }
            send(
                id,
                .listenerGranted(
                    component: component, listener: listener, addresses: bound.map { $0.bound.description },
                    credentials: credentials(of: component, listener, proposal: processes[id]?.proposal)),
                descriptors: bound.map { $0.descriptor.rawValue })
        } catch {
            send(id, .listenerRefused(component: component, listener: listener, reason: error.reason))
        }
    }

    /// For `check`: sees whether the address can be had, but hands out a socket that nobody knows of. A port that this
    /// host's running instance holds is as it should be.
    private func stand(in address: BindAddress) throws(Refusal) -> ListenerTable.Listener {
        if address.port != 0, PortHolder.find(port: address.port)?.isMuster != true { try ListenerTable.probe(address) }
        return try ListenerTable.standIn()
    }
}

import ControlProtocol
import Glibc
import PluginManifest

/// What the metrics worker asks for, and what status shows of totals.
extension HostDriver {
    /// Bytes of plugins' metrics in one snapshot, as an estimate: it is one message, and is made on this one thread.
    private static let seriesRoom = 8 << 20

    func answerSnapshot(_ number: UInt64, of process: WorkerProcess) {
        guard plans[process.id]?.plugins.contains(where: { $0.builtIn == .metrics }) == true else {
            post(.channelFailed(process.id, reason: "it asked for what is the metrics worker's alone"))
            return
        }
        // One at a time: an answer that was not taken is answer enough.
        guard !process.channel.hasPendingOutput else { return }
        send(process.id, .snapshot(number: number, snapshot()))
    }

    private func snapshot() -> MetricsSnapshot {
        let usage = ProcessUsage(pid: getpid())
        let host = MetricsSnapshot.Host(
            version: Host.version, generation: machine.generation, startedAt: startedAtWallClock,
            residentBytes: usage?.residentBytes ?? 0, processorSeconds: usage?.processorSeconds ?? 0,
            openDescriptors: ((try? Files.names(in: "/proc/self/fd")) ?? []).count, reloads: ledger.reloadsByResult)
        var room = Self.seriesRoom
        let statuses = machine.componentStatuses(at: monotonicNow())
        return MetricsSnapshot(host: host, components: statuses.map { metrics(of: $0, &room) })
    }

    private func metrics(of status: ComponentStatus, _ room: inout Int) -> ComponentMetrics {
        let unit = machine.units.first { $0.plan.components.contains(status.name) }
        let usages = ledger.workers(of: status.name).compactMap { processes[$0] }.compactMap {
            ProcessUsage(pid: $0.pid)
        }
        let listeners = status.listeners.filter { $0.transport != Transport.raw.rawValue }
        return ComponentMetrics(
            name: status.name, isUp: status.state == .running, restarts: machine.restartTotals[status.name] ?? 0,
            residentBytes: usages.reduce(0) { $0 + $1.residentBytes },
            processorSeconds: usages.reduce(ledger.endedProcessorSeconds(of: status.name)) { $0 + $1.processorSeconds },
            loopLagSeconds: Double(unit?.worker.map(ledger.loopLag) ?? 0) / 1e9,
            droppedLogLines: ledger.droppedLogLines(of: status.name), bus: bus.activity(of: status.name),
            listeners: listeners.map {
                .init(
                    name: $0.name, isTLS: $0.transport == Transport.https.rawValue,
                    activity: ledger.activity(of: status.name, $0.name))
            }, families: families(of: status.name, current: unit?.worker, &room))
    }

    private func families(of component: String, current: WorkerID?, _ room: inout Int) -> [MetricFamily] {
        let families = ledger.families(of: component, current: current)
        let size = families.reduce(0) { $0 + $1.estimatedSize }
        guard size <= room else {
            if !crowdedOut.contains(component) {
                log.log(
                    .warning, "its metrics are left out: all plugins together have more than can be told at once",
                    component: component)
                crowdedOut.insert(component)
            }
            return []
        }
        room -= size
        return families
    }
}

extension MetricFamily {
    /// Bytes in a message, about.
    fileprivate var estimatedSize: Int {
        series.reduce(200 + definition.help.utf8.count) { size, one in
            one.labels.reduce(size + 40 + one.numbers.count * 18) { $0 + $1.utf8.count + 3 }
        }
    }
}

import ControlProtocol
import Testing

@testable import Supervisor

/// What is left of what workers counted, whoever of them lives.
@Suite struct MetricsLedgerTests {
    private func pulse(
        _ component: String = "A", requests: UInt64, connections: Int = 0, dropped: UInt64 = 0, duration: UInt64 = 0
    ) -> Pulse {
        var activity = ListenerActivity(component: component, listener: "web")
        activity.requests = requests
        activity.connections = connections
        activity.responsesByClass[1] = requests
        activity.durations.counts[0] = requests
        activity.durations.sum = duration
        return Pulse(listeners: [activity], loopLag: 5, droppedLogLines: dropped)
    }

    private func definition(
        _ kind: MetricDefinition.Kind, _ name: String, labels: [String] = [], bounds: [Double] = []
    ) -> MetricDefinition {
        MetricDefinition(kind: kind, name: name, help: "Help.", unit: "", labels: labels, bounds: bounds)
    }

    private func report(_ definition: MetricDefinition, _ series: [[String]: [Double]]) -> MetricsReport {
        var report = MetricsReport(component: "A", metrics: [.init(number: 1, definition: definition)])
        for (index, one) in series.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }).enumerated() {
            let number = UInt32(index + 1)
            report.series.append(.init(number: number, metric: 1, labels: one.key))
            report.values.append(.init(series: number, numbers: one.value))
        }
        return report
    }

    private func id(_ number: UInt64) -> WorkerID { WorkerID(number: number) }

    private func ledger(workers: [UInt64] = [1]) -> MetricsLedger {
        var ledger = MetricsLedger()
        ledger.configure(["A"])
        for number in workers { ledger.started(id(number), unit: "A", components: ["A"]) }
        return ledger
    }

    // MARK: Listeners

    @Test func totalsGoOnFromWorkerToWorker() {
        var ledger = ledger()
        ledger.take(pulse(requests: 10, connections: 3, dropped: 2, duration: 100), of: id(1))
        ledger.started(id(2), unit: "A", components: ["A"])
        ledger.take(pulse(requests: 4, connections: 1, dropped: 1, duration: 50), of: id(2))
        #expect(ledger.activity(of: "A", "web").requests == 14)
        #expect(ledger.activity(of: "A", "web").connections == 4)
        ledger.ended(id(1), processorSeconds: 1.5)
        let after = ledger.activity(of: "A", "web")
        #expect(after.requests == 14 && after.connections == 1 && after.responsesByClass[1] == 14)
        #expect(after.durations.counts[0] == 14 && after.durations.sum == 150)
        #expect(ledger.droppedLogLines(of: "A") == 3)
        #expect(ledger.endedProcessorSeconds(of: "A") == 1.5)
        #expect(ledger.loopLag(of: id(2)) == 5 && ledger.loopLag(of: id(1)) == 0)
        #expect(ledger.workers(of: "A") == [id(2)])
    }

    @Test func aWorkerThatCountsBackwardsIsNotBelieved() {
        var ledger = ledger()
        ledger.take(pulse(requests: 10), of: id(1))
        var odd = pulse(requests: 3)
        odd.listeners[0].responsesByClass = [1]
        odd.listeners[0].durations.counts = []
        odd.listeners[0].sentBytes = .max
        odd.listeners[0].connections = -4
        ledger.take(odd, of: id(1))
        ledger.ended(id(1), processorSeconds: 0)
        ledger.started(id(2), unit: "A", components: ["A"])
        ledger.take(odd, of: id(2))
        let activity = ledger.activity(of: "A", "web")
        #expect(activity.requests == 13 && activity.connections == 0)
        #expect(
            activity.responsesByClass == [1 + 1, 10, 0, 0, 0].map(UInt64.init) || activity.responsesByClass.count == 5)
        #expect(activity.sentBytes == .max)
    }

    @Test func otherComponentsAndListenersWithoutEndAreNotKept() {
        var ledger = ledger()
        ledger.take(pulse("B", requests: 1), of: id(1))
        #expect(ledger.activity(of: "B", "web").requests == 0)
        var flood = pulse(requests: 1)
        flood.listeners = (0..<1000).map { ListenerActivity(component: "A", listener: "l\($0)") }
        for index in flood.listeners.indices { flood.listeners[index].requests = 1 }
        ledger.take(flood, of: id(1))
        let kept = (0..<1000).count { ledger.activity(of: "A", "l\($0)").requests == 1 }
        #expect(kept == MetricsLedger.listenerLimit)
        ledger.take(pulse(requests: 1), of: id(9))
    }

    @Test func whatIsRemovedFromTheConfigurationIsForgotten() {
        var ledger = ledger()
        ledger.take(pulse(requests: 10), of: id(1))
        ledger.configure([])
        ledger.ended(id(1), processorSeconds: 1)
        ledger.configure(["A"])
        #expect(ledger.activity(of: "A", "web").requests == 0)
        #expect(ledger.endedProcessorSeconds(of: "A") == 0)
    }

    @Test func reloadsAreCountedByTheirEndAndTheStartIsNone() {
        var ledger = MetricsLedger()
        func receipt(_ trigger: ReloadReceipt.Trigger, _ result: ReloadReceipt.Result) -> ReloadReceipt {
            ReloadReceipt(
                generation: 1, trigger: trigger, result: result, startedAt: 0, durationSeconds: 0, components: [],
                diagnostics: [], drainingConnections: 0)
        }
        ledger.reloaded(receipt(.start, .committed))
        ledger.reloaded(receipt(.signal, .committed))
        ledger.reloaded(receipt(.command, .refused))
        #expect(ledger.reloadsByResult == [.committed: 1, .refused: 1, .unchanged: 0, .rolledBack: 0])
    }

    // MARK: Plugins' metrics

    @Test func countersAndHistogramsAddUpAndGaugesAreTheCurrentWorkers() {
        var ledger = ledger(workers: [1, 2])
        let counter = definition(.counter, "things_total", labels: ["kind"])
        ledger.take(report(counter, [["a"]: [5], ["b"]: [1]]), of: id(1))
        ledger.take(report(counter, [["a"]: [2]]), of: id(2))
        var families = ledger.families(of: "A", current: id(2))
        #expect(families.first?.series.map(\.numbers) == [[7], [1]])
        ledger.ended(id(1), processorSeconds: 0)
        #expect(ledger.families(of: "A", current: id(2)) == families)
        // The worker that follows has defined nothing yet.
        ledger.ended(id(2), processorSeconds: 0)
        families = ledger.families(of: "A", current: nil)
        #expect(families.first?.series.map(\.numbers) == [[7], [1]])

        ledger.started(id(3), unit: "A", components: ["A"])
        ledger.started(id(4), unit: "A", components: ["A"])
        let gauge = definition(.gauge, "level")
        ledger.take(report(gauge, [[]: [5]]), of: id(3))
        ledger.take(report(gauge, [[]: [6]]), of: id(4))
        #expect(ledger.families(of: "A", current: id(4)).first?.series.map(\.numbers) == [[6]])
        ledger.ended(id(4), processorSeconds: 0)
        #expect(ledger.families(of: "A", current: nil).first { $0.definition.kind == .gauge }?.series.isEmpty == true)
    }

    @Test func histogramsAddUpBucketByBucket() {
        var ledger = ledger(workers: [1, 2])
        let histogram = definition(.histogram, "sizes", bounds: [1, 2])
        ledger.take(report(histogram, [[]: [-1, 1, 2, 3]]), of: id(1))
        ledger.take(report(histogram, [[]: [10, 0, 1, 0]]), of: id(2))
        ledger.ended(id(1), processorSeconds: 0)
        #expect(ledger.families(of: "A", current: id(2)).first?.series.first?.numbers == [9, 1, 3, 3])
    }

    @Test func aMetricThatMeansSomethingElseNowBeginsAnew() {
        var ledger = ledger(workers: [1, 2])
        ledger.take(report(definition(.counter, "things_total"), [[]: [5]]), of: id(1))
        ledger.take(report(definition(.counter, "things_total", labels: ["kind"]), [["a"]: [1]]), of: id(2))
        ledger.ended(id(1), processorSeconds: 0)
        let families = ledger.families(of: "A", current: id(2))
        #expect(families.map(\.definition.labels) == [["kind"]])
        #expect(families.first?.series == [.init(labels: ["a"], numbers: [1])])
    }

    @Test func nothingThatBreaksARuleIsKept() {
        var ledger = ledger()
        let forged = definition(.counter, "things_total 1\nmuster_generation")
        ledger.take(report(forged, [[]: [1]]), of: id(1))
        #expect(ledger.families(of: "A", current: id(1)).isEmpty)
        var odd = report(definition(.counter, "things_total", labels: ["kind"]), [["a"]: [5]])
        odd.series.append(.init(number: 7, metric: 1, labels: []))
        odd.series.append(.init(number: 8, metric: 9, labels: ["b"]))
        odd.series.append(.init(number: 9, metric: 1, labels: [String(repeating: "x", count: 129)]))
        odd.values += [
            .init(series: 1, numbers: [1, 2]), .init(series: 99, numbers: [1]), .init(series: 1, numbers: [3]),
        ]
        ledger.take(odd, of: id(1))
        #expect(ledger.families(of: "A", current: id(1)).first?.series == [.init(labels: ["a"], numbers: [5])])
    }

    @Test func noMoreSeriesAreKeptThanAComponentMayHaveHoweverManyWorkersCome() {
        var ledger = ledger(workers: [])
        for worker in UInt64(1)...3 {
            ledger.started(id(worker), unit: "A", components: ["A"])
            var series: [[String]: [Double]] = [:]
            for number in 0..<1500 { series[["\(worker)-\(number)"]] = [1] }
            ledger.take(report(definition(.counter, "things_total", labels: ["n"]), series), of: id(worker))
            ledger.ended(id(worker), processorSeconds: 0)
        }
        #expect(ledger.families(of: "A", current: nil).first?.series.count == MetricLimits.series)
    }
}

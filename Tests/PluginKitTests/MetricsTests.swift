import MusterABI
@testable import PluginKit
import PluginTesting
import Testing

/// Metrics as a plugin in Swift counts them, through the fake host's table.
@Suite struct MetricsTests {
    private func pair(missing: Set<String> = []) throws -> (FakeHost, Host) {
        let fake = FakeHost(PluginEntry.manifest(of: Sampler.self), missing: missing)
        var seen: Host?
        fake.withHostTable { seen = (try? HostLink($0)).map(Host.init) }
        return (fake, try #require(seen))
    }

    @Test func countersGaugesAndHistogramsReachTheHost() throws {
        let (fake, host) = try pair()
        let things = try host.counter("app_things_total", help: "Things.")
        let level = try host.gauge("app_level", help: "Level.")
        let wait = try host.histogram("app_wait_seconds", help: "Wait.", unit: "seconds", buckets: [0.5, 1])
        things.add()
        things.add(2.5)
        level.set(7)
        level.add(-3)
        wait.observe(0.25)
        wait.observe(.milliseconds(1500))
        #expect(fake.metric("app_things_total") == [3.5])
        #expect(fake.metric("app_level") == [4])
        #expect(fake.metric("app_wait_seconds") == [0.25, 1.5])
        #expect(
            fake.definedMetrics == [
                "1 app_things_total  [] []", "2 app_level  [] []", "3 app_wait_seconds seconds [] [0.5, 1.0]",
            ])
    }

    @Test func labelsMakeSeriesThatCanBeKept() throws {
        let (fake, host) = try pair()
        let files = try host.counter("app_files_total", help: "Files.", labels: ["kind", "result"])
        let good = files.with("full", "good")
        good.add(2)
        files.with("delta", "bad \"x\"").add()
        good.add()
        #expect(fake.metric("app_files_total", ["full", "good"]) == [3])
        #expect(fake.metric("app_files_total", ["delta", "bad \"x\""]) == [1])
        // Without its labels, and with a wrong number of them, it counts nothing.
        files.add()
        files.with("full").add()
        #expect(fake.metric("app_files_total") == nil)
    }

    @Test func whatTheHostHasNoRoomForIsNotCounted() throws {
        let (fake, host) = try pair()
        fake.limitSeries(to: 1)
        let level = try host.gauge("app_level", help: "Level.", labels: ["n"])
        level.with("1").set(1)
        level.with("2").set(2)
        #expect(fake.metric("app_level", ["1"]) == [1] && fake.metric("app_level", ["2"]) == nil)
    }

    @Test func aWrongNameIsSaidInTheHostsWords() throws {
        let (_, host) = try pair()
        let failure = #expect(throws: PluginError.self) { try host.counter("app_things", help: "Things.") }
        #expect(failure?.message == "the name is wrong")
    }

    @Test func withoutTheExtensionItIsSaidByName() throws {
        let (_, host) = try pair(missing: [MUSTER_EXT_METRICS])
        let failure = #expect(throws: PluginError.self) { try host.gauge("app_level", help: "Level.") }
        #expect(failure?.message.contains(HostExtension.metrics.id) == true)
    }

    @Test func afterStopNothingIsCalled() throws {
        let (fake, host) = try pair()
        let level = try host.gauge("app_level", help: "Level.")
        host.link.enter(.stopped)
        level.set(1)
        #expect(fake.metric("app_level") == [0])
        #expect(throws: PluginError.self) { try host.gauge("app_other", help: "Other.") }
    }
}

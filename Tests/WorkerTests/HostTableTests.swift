@testable import Worker
import ControlProtocol
import Glibc
import MusterABI
import PluginManifest
import Testing

/// What a plugin gets of the host: facts, log, options and extensions.
@Suite struct HostTableTests {
    @Test func findsAnExtensionByItsWholeIDOnly() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        for id in HostExtensions.all { #expect(plugin.find(id, as: UInt8.self) != nil, "\(id)") }
        for id in ["", "muster.timer", "muster.timer/2", "muster.timer/1x", " muster.timer/1", "muster.time\u{0}r/1"] {
            #expect(plugin.find(id, as: UInt8.self) == nil, "\(id)")
        }
        let broken = StableText("muster.timer/1\u{FF}")
        var id = broken.value
        id.length -= 1
        #expect(plugin.host?.pointee.get_extension?(plugin.host?.pointee.context, id) == nil)
        let host = try #require(plugin.host)
        #expect(host.pointee.get_extension?(host.pointee.context, muster_string(data: nil, length: 14)) == nil)
        #expect(worker.stop() == .done)
    }

    @Test func tellsWhereThePluginRuns() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["Name": plugin])
        try worker.bringUp(["Name"])
        let facts = try #require(plugin.host?.pointee.facts?(plugin.host?.pointee.context))
        #expect(facts.pointee.component.text(limit: 100) == "Name")
        #expect(facts.pointee.host_version.text(limit: 100) == HostVersion.current)
        #expect(facts.pointee.generation == 3)
        #expect(facts.pointee.loop_count == 1)
        #expect(worker.stop() == .done)
    }

    @Test func writesLogLinesFromTheThresholdOnAndLetsNobodyForgeOne() throws {
        let plugin = TestPlugin()
        plugin.behaviours["activate"] = { plugin, _ in
            plugin.log(MUSTER_LOG_DEBUG, "too small")
            plugin.log(MUSTER_LOG_NOTICE, "first\nERROR forged", [("key", "a\tb")])
            plugin.log(99, "of a newer header")
            plugin.log(MUSTER_LOG_ERROR, String(repeating: "x", count: 100_000))
            return MUSTER_OK
        }
        let worker = try WorkerHarness(["A": plugin], logLevel: .info)
        try worker.bringUp(["A"])
        #expect(worker.records.map(\.level) == [.notice, .critical, .error])
        #expect(worker.records.first?.message == "first\\nERROR forged")
        #expect(worker.records.first?.fields == [.init(key: "key", value: "a\\tb")])
        #expect((worker.records.last?.message.utf8.count ?? .max) < 9_000)
        #expect(plugin.host?.pointee.log_threshold?(plugin.host?.pointee.context) == MUSTER_LOG_INFO)
        #expect(worker.stop() == .done)
    }

    @Test func dropsLogLinesOfAFloodAndStillReportsTheLifecycle() throws {
        let plugin = TestPlugin()
        plugin.behaviours["prepare"] = { plugin, _ in
            let line = String(repeating: "x", count: 8_000)
            for _ in 0..<2_000 { plugin.log(MUSTER_LOG_INFO, line) }
            plugin.note("flooded")
            return MUSTER_OK
        }
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        // Nobody reads while the plugin floods: prepare must come to its end all the same.
        let deadline = MonotonicTime.now + 20 * MonotonicTime.second
        while !plugin.notes.contains("flooded"), MonotonicTime.now < deadline { sched_yield() }
        #expect(try worker.nextReport() == .ready)
        #expect(worker.records.count < 2_000)
        #expect(!worker.records.isEmpty)
        #expect(worker.stop() == .done)
    }

    @Test func givesOptionsOfEveryTypeUntilDestroy() throws {
        let plugin = TestPlugin()
        let options: [String: OptionValue] = [
            "bool": .bool(true), "integer": .integer(-5), "number": .number(0.25), "string": .string("ä"),
            "duration": .duration(1_000), "bytes": .bytes(64), "path": .path("/p"), "url": .url("http://h/"),
            "choice": .enum("red"), "address": .address("[::1]:1"), "group.list": .list([.integer(1), .integer(2)]),
            "empty": .list([]), "nothing": .string(""),
        ]
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"], options: options)
        let table = try #require(plugin.options)
        func find(_ name: String) -> muster_value? {
            name.withABI { table.pointee.find?(table.pointee.context, $0) }?.pointee
        }
        #expect(find("bool")?.as.boolean == 1 && find("bool")?.type == MUSTER_TYPE_BOOL)
        #expect(find("integer")?.as.integer == -5 && find("integer")?.type == MUSTER_TYPE_INTEGER)
        #expect(find("number")?.as.number == 0.25 && find("number")?.type == MUSTER_TYPE_NUMBER)
        #expect(find("duration")?.as.integer == 1_000 && find("duration")?.type == MUSTER_TYPE_DURATION)
        #expect(find("bytes")?.as.integer == 64 && find("bytes")?.type == MUSTER_TYPE_BYTES)
        let texts = [
            ("string", "ä", MUSTER_TYPE_STRING), ("path", "/p", MUSTER_TYPE_PATH),
            ("url", "http://h/", MUSTER_TYPE_URL),
            ("choice", "red", MUSTER_TYPE_ENUM), ("address", "[::1]:1", MUSTER_TYPE_ADDRESS),
            ("nothing", "", MUSTER_TYPE_STRING),
        ]
        for (name, text, type) in texts {
            #expect(find(name)?.as.string.text(limit: 100) == text && find(name)?.type == type)
        }
        let list = try #require(find("group.list"))
        #expect(list.as.list.count == 2 && list.as.list.items?[1].as.integer == 2)
        #expect(find("empty")?.as.list.count == 0)
        #expect(find("absent") == nil && find("group") == nil && find("") == nil)
        #expect(worker.stop() == .done)
    }

    @Test func keepsStateUpToItsLimitAndRefusesTheRest() throws {
        let plugin = TestPlugin()
        plugin.behaviours["release"] = { plugin, _ in
            let whole = [UInt8](repeating: 1, count: StateSink.limit)
            plugin.note("\(plugin.write(state: whole) == MUSTER_OK)")
            plugin.note("\(plugin.write(state: [1]) == MUSTER_BUSY)")
            plugin.note("\(plugin.write(state: []) == MUSTER_OK)")
            return MUSTER_OK
        }
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        worker.command(.quiesce(deadline: .max))
        guard case .released(let states) = try worker.nextReport() else { throw HarnessFailure("not released") }
        #expect(states["A"]?.count == StateSink.limit)
        #expect(plugin.notes.suffix(3) == ["true", "true", "true"])
        #expect(plugin.write(state: [1]) == MUSTER_WRONG_STATE)
        #expect(worker.stop() == .done)
    }

    @Test func namesItsOwnDirectory() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin], stateDirectory: "/var/lib/muster/components/A")
        try worker.bringUp(["A"])
        let state = try #require(plugin.find(MUSTER_EXT_STATE, as: muster_state.self))
        #expect(state.pointee.directory?(state.pointee.context).text(limit: 100) == "/var/lib/muster/components/A")
        #expect(worker.stop() == .done)
    }
}

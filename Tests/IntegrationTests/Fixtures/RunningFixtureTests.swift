import ControlProtocol
import Foundation
import Testing

extension LiveTests {
    /// Plugins that break while they run, or on their way out, beside one that does not.
    @Suite struct RunningFixtureTests {
        /// A host with the fixture as `Broken`, answering "old", and a sound sibling.
        private func start(_ fixture: String, host settings: String = "") throws -> LiveHost {
            let host = try LiveHost(plugins: ["Sibling": "FixtureOne", "Broken": "Fixture\(fixture)"])
            try configure(host, answer: "old", host: settings)
            try host.startAndWait()
            return host
        }

        private func configure(_ host: LiveHost, answer: String, host settings: String = "") throws {
            try host.configure(
                Fixture.component("Sibling") + Fixture.component("Broken", config: "{answer: \(answer)}"),
                host: settings)
        }

        /// Asks for GET /break without waiting for an answer, which may never come.
        private func trigger(_ component: String, of host: LiveHost) throws -> Connection {
            let connection = try Connection(port: host.port(of: component))
            try connection.send("GET /break HTTP/1.1\r\nHost: a\r\n\r\n")
            return connection
        }

        // MARK: Replaced

        @Test func everyPluginThatBreaksWhileItRunsIsReplacedAloneAndExplained() throws {
            let all = BrokenPlugin.whileRunning
            let host = try LiveHost(plugins: ["Sibling": "FixtureOne"])
            for broken in all { try broken.install(in: host, as: broken.name) }
            try host.configure(
                Fixture.component("Sibling")
                    + all.map { Fixture.component($0.name, config: "{answer: \($0.name)}") }.joined(),
                host: "loops: 1\nsupervision: {watchdog: 2s, restart_limit: 1000}")
            try host.startAndWait()
            let before = try host.status()
            let sibling = Load(port: try host.port(of: "Sibling"), clients: 1)
            let connections = try all.map { try trigger($0.name, of: host) }
            for broken in all {
                let former = before.components.first { $0.name == broken.name }
                try host.waitUntil("\(broken.name) is replaced") {
                    let now = try host.component(broken.name)
                    return now.state == .running && now.pid != former?.pid
                }
                let now = try host.component(broken.name)
                #expect(broken.missing(in: now.message ?? "") == [], "\(now)")
                #expect(broken.missing(in: host.log) == [], "\(host.log)")
                #expect(now.restarts == 1)
                #expect(now.listeners.first?.addresses == former?.listeners.first?.addresses)
                try host.waitUntil("\(broken.name) serves again") {
                    (try? host.get("/", from: broken.name).text) == broken.name
                }
            }
            withExtendedLifetime(connections) {}
            let tally = sibling.stop()
            #expect(tally.failures.isEmpty && tally.answered > 0, "\(tally)")
            #expect(try host.component("Sibling").pid == before.components.first { $0.name == "Sibling" }?.pid)
            #expect(try host.stop() == 0)
        }

        // MARK: On the way out

        @Test(arguments: BrokenPlugin.onTheWayOut)
        func newGenerationServesHoweverTheOlderOneEnds(_ broken: BrokenPlugin) throws {
            let settings = "supervision: {quiesce_timeout: 200ms, drain_timeout: 1s}"
            let host = try start(broken.name, host: settings)
            let before = try host.status().components
            let siblingLoad = Load(port: try host.port(of: "Sibling"), clients: 1)
            let load = Load(port: try host.port(of: "Broken"), clients: 1, styles: [.newConnections])
            try configure(host, answer: "new", host: settings)
            let receipt = try host.reload()
            #expect(receipt.result == .committed, "\(receipt)")
            #expect(try host.get("/", from: "Broken").text == "new")
            try host.waitUntil("the log tells \(broken.words)", within: 10) { broken.missing(in: host.log) == [] }
            let old = before.compactMap { $0.name == "Broken" ? $0.pid : nil }
            try host.waitUntil("the older worker is gone", within: 10) { old.allSatisfy { !isAlive($0) } }
            #expect(load.stop().failures["refused"] == nil)
            let tally = siblingLoad.stop()
            #expect(tally.failures.isEmpty && tally.answered > 0, "\(tally)")
            let after = try host.status().components
            #expect(after.first { $0.name == "Sibling" }?.pid == before.first { $0.name == "Sibling" }?.pid)
            #expect(after.allSatisfy { $0.state == .running && $0.restarts == 0 }, "\(after)")
            // A shutdown does not wait for it longer than for others. (Five more seconds of HangsInStop prove no more.)
            if broken.name != "HangsInStop" { #expect(try host.stop() == 0) }
        }

        // MARK: No harm done

        @Test func pluginThatRespondsTwiceIsToldThatTheExchangeIsGone() throws {
            let host = try start("RespondsTwice")
            let connection = try Connection(port: host.port(of: "Broken"))
            for _ in 0..<3 { #expect(try connection.get("/break").text == "first") }
            #expect(try connection.get("/", close: true).text == "old")
            #expect(try host.stop() == 0)
            #expect(!host.log.contains("a second answer was taken"), "\(host.log)")
        }

        @Test func threadThatRespondsAfterDestroyIsAnsweredUntilTheProcessHasEnded() throws {
            let host = try start("RespondsAfterDestroy", host: "supervision: {drain_timeout: 1s}")
            for number in 1...10 {
                _ = try host.get("/break", from: "Broken")
                let pid = try host.component("Broken").pid
                try configure(host, answer: "number \(number)", host: "supervision: {drain_timeout: 1s}")
                #expect(try host.reload().result == .committed)
                try host.waitUntil("the older worker is gone") { pid.map { !isAlive($0) } ?? true }
            }
            #expect(try host.stop() == 0)
            for word in ["was taken", "extension is gone", "on its way to the end", "SIGSEGV"] {
                #expect(!host.log.contains(word), "\(host.log)")
            }
        }

        @Test func callsFromWrongPlacesAreAnswersAndNoTraps() throws {
            let host = try start("CallsFromWrongPlaces")
            try configure(host, answer: "new")
            #expect(try host.reload().result == .committed)
            #expect(try host.get("/", from: "Broken").text == "new")
            #expect(try host.component("Broken").restarts == 0)
            #expect(try host.stop() == 0)
            #expect(host.log.components(separatedBy: "all calls were made").count == 3, "\(host.log)")
            for word in ["was answered with", "without a name", "on its way to the end"] {
                #expect(!host.log.contains(word), "\(host.log)")
            }
        }

        @Test func leakedDescriptorsStopNewConnectionsAloneAndThatIsSaid() throws {
            let host = try start("LeaksDescriptors", host: "loops: 1")
            let pid = try host.component("Broken").pid
            let open = try Connection(port: host.port(of: "Broken"))
            _ = try open.get("/break")
            try host.waitUntil("the log tells it") { host.log.contains("all 256 file descriptors are in use") }
            #expect(try open.get("/").text == "old")
            let waiting = try Connection(port: host.port(of: "Broken"))
            #expect(try host.get("/code", from: "Sibling").text == "one")
            _ = try open.get("/heal", close: true)
            // It was connected while there was no descriptor for it, and is served now.
            #expect(try waiting.get("/", close: true).text == "old")
            try host.waitUntil("the log tells the end of it") { host.log.contains("there are file descriptors again") }
            #expect(try host.component("Broken").pid == pid)
            #expect(try host.stop() == 0)
        }

        @Test func threadsThatRunOnAfterStopEndWithTheProcess() throws {
            let host = try start("LeaksThreads")
            let pid = try host.component("Broken").pid
            try configure(host, answer: "new")
            #expect(try host.reload().result == .committed)
            try host.waitUntil("the older worker is gone") { pid.map { !isAlive($0) } ?? true }
            #expect(try host.get("/", from: "Broken").text == "new")
            #expect(try host.stop() == 0)
            #expect(!host.log.contains("on its way to the end") && !host.log.contains("killed"), "\(host.log)")
        }

        @Test func pluginCannotTakeThePortThatTheHostHolds() throws {
            let host = try start("OpensOwnSocket")
            let port = try host.port(of: "Broken")
            #expect(try host.get("/break/\(port)", from: "Broken").text == "in use")
            #expect(try host.get("/", from: "Broken").text == "old")
        }

        @Test func listenerThatAPluginShutsDownListensAgain() throws {
            let host = try start("ShutsListener")
            let pid = try host.component("Broken").pid
            #expect(try host.get("/break", from: "Broken").text == "old")
            try host.waitUntil("it listens again") { host.log.contains("had shut the listener") }
            #expect(try host.get("/", from: "Broken").text == "old")
            #expect(try host.component("Broken").pid == pid)
            #expect(try host.get("/code", from: "Sibling").text == "one")
        }

        @Test func listenerThatAnOlderGenerationShutsDownServesTheNewerOne() throws {
            let host = try start("ShutsListenerInStop")
            try configure(host, answer: "new")
            #expect(try host.reload().result == .committed)
            try host.waitUntil("it listens again") { host.log.contains("had shut the listener") }
            #expect(try host.get("/", from: "Broken").text == "new")
            #expect(try host.component("Broken").restarts == 0)
        }

        @Test func overflowingStateIsCutAndTheRestIsHandedOn() throws {
            let host = try start("OverflowsState")
            #expect(try host.get("/break", from: "Broken").text == "0")
            try configure(host, answer: "new")
            #expect(try host.reload().result == .committed)
            #expect(try host.get("/break", from: "Broken").text == "\(8 << 20)")
            #expect(!host.log.contains("state was"), "\(host.log)")
        }

        @Test func floodOfLogLinesIsBoundedCountedAndNoSiblingNoticesIt() throws {
            let host = try start("FloodsLog")
            let before = try host.status().components.map(\.pid)
            let load = Load(port: try host.port(of: "Sibling"), clients: 1)
            _ = try? host.get("/break", from: "Broken")
            try host.waitUntil("the drops are told") { host.log.contains("of its log lines were dropped") }
            let answered = load.answered
            try host.waitUntil("the sibling goes on") { load.answered > answered + 100 }
            #expect(try host.get("/", from: "Broken").text == "old")
            #expect(try host.status().components.map(\.pid) == before)
            let tally = load.stop()
            #expect(tally.failures.isEmpty, "\(tally)")
            let lines = host.log.split(separator: "\n").filter { $0.contains("a line of the flood") }.count
            #expect((10_000..<50_000).contains(lines), "\(lines)")
            #expect(try host.stop() == 0)
        }

        @Test func pluginCheckNamesWhatALibraryMayNotHave() throws {
            let host = try start("ExportsMore")
            #expect(try host.get("/", from: "Broken").text == "old")
            let folder = "\(host.directory)/checked"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            func check(_ fixture: String) throws -> Command.Outcome {
                try? FileManager.default.removeItem(atPath: "\(folder)/libChecked.so")
                try FileManager.default.copyItem(
                    atPath: LiveHost.library("Fixture\(fixture)"), toPath: "\(folder)/libChecked.so")
                return try Command.run(FixtureFile.repositoryPath("scripts/check-plugins"), [folder])
            }
            let sound = try check("One")
            #expect(sound.status == 0, "\(sound.output)")
            let second = try check("ExportsMore")
            #expect(second.status == 1 && second.output.contains("fixture_second_symbol"), "\(second.output)")
            let stack = try check("ExecutableStack")
            #expect(stack.status == 1 && stack.output.contains("executable stack"), "\(stack.output)")
            let entry = try check("NoEntry")
            #expect(entry.status == 1 && entry.output.contains("must export"), "\(entry.output)")
        }
    }
}

import ControlProtocol
import Foundation
import Testing

extension LiveTests {
    /// Plugins that never get to run, beside one that does.
    @Suite struct StartFixtureTests {
        private static let sibling = Fixture.component("Sibling", config: "{answer: well}")

        /// - Parameter isHasty: the host does not wait long for a step; the others get the time they need.
        private func configure(_ host: LiveHost, withBroken: Bool, isHasty: Bool = false) throws {
            try host.configure(
                Self.sibling + (withBroken ? Fixture.component("Broken") : ""),
                host: isHasty ? "supervision: {step_timeout: 1s}" : "")
        }

        @Test(arguments: BrokenPlugin.atStart)
        func brokenPluginHarmsNeitherAStartNorAReloadAndIsExplained(_ broken: BrokenPlugin) throws {
            let host = try LiveHost(plugins: ["Sibling": "FixtureOne"])
            try broken.install(in: host, as: "Broken")

            // A start: the sibling runs, the broken one is reported.
            let isHasty = broken.fate == .endedAtDeadline
            try configure(host, withBroken: true, isHasty: isHasty)
            try host.start()
            try host.waitUntil("the sibling serves") { (try? host.get("/", from: "Sibling").text) == "well" }
            let before = try host.component("Sibling")
            let load = Load(port: try host.port(of: "Sibling"), clients: 1)
            try expectFate(of: broken, on: host)

            // `muster check` names the place, the component and the fault.
            let check = try Command.run("muster", ["check", host.configurationPath])
            if broken.isFoundByCheck {
                #expect(check.status == 78, "\(check.output)")
                #expect(broken.missing(in: check.output) == [], "\(check.output)")
                #expect(check.output.contains("config.yaml:\(try line(of: "Broken:", in: host)):"), "\(check.output)")
                #expect(check.output.contains("error: Broken: "), "\(check.output)")
            } else {
                #expect(check.status == 0, "\(check.output)")
            }

            // A reload that adds it: refused, and nothing that runs has noticed.
            try configure(host, withBroken: false, isHasty: isHasty)
            #expect(try host.reload().result == .committed)
            try configure(host, withBroken: true, isHasty: isHasty)
            let receipt = try host.reload()
            #expect(receipt.result == .refused)
            let outcome = receipt.components.first { $0.name == "Broken" }
            #expect(outcome?.outcome == .failed)
            #expect(broken.missing(in: outcome.flatMap(\.reason) ?? "") == [], "\(receipt)")
            #expect(receipt.components.first { $0.name == "Sibling" }?.outcome == .unchanged)
            #expect(
                receipt.diagnostics.contains { $0.contains("config.yaml:") && $0.contains("Broken: ") }, "\(receipt)")
            #expect(try host.status().components.map(\.name) == ["Sibling"])
            let after = try host.component("Sibling")
            #expect(after.pid == before.pid && after.restarts == before.restarts)
            let tally = load.stop()
            #expect(tally.failures.isEmpty && tally.answered > 0, "\(tally)")
        }

        /// What status says of it once the host has made up its mind.
        private func expectFate(of broken: BrokenPlugin, on host: LiveHost) throws {
            let isExpected: (ComponentStatus) -> Bool =
                switch broken.fate {
                case .waitsForReload: { $0.state == .waitingForReload }
                default: { $0.restarts > 0 && $0.state != .waitingForReload }
                }
            try host.waitUntil("\(broken.name): \(broken.fate.rawValue)") { isExpected(try host.component("Broken")) }
            let status = try host.component("Broken")
            #expect(broken.missing(in: status.message ?? "") == [], "\(status)")
            #expect(broken.missing(in: host.log) == [], "\(host.log)")
            #expect(status.state != .running)
            if broken.fate == .waitsForReload { #expect(status.pid == nil && status.restarts == 0) }
        }

        private func line(of text: String, in host: LiveHost) throws -> Int {
            let lines = try String(contentsOfFile: host.configurationPath, encoding: .utf8).components(
                separatedBy: "\n")
            return (lines.firstIndex { $0.contains(text) } ?? -1) + 1
        }

        @Test func mendedPluginRunsWithTheNextReload() throws {
            let host = try LiveHost(plugins: ["Sibling": "FixtureOne", "Broken": "FixtureWrongMajor"])
            try configure(host, withBroken: true)
            try host.start()
            try host.waitUntil("it waits") { (try? host.component("Broken").state) == .waitingForReload }
            let pid = try host.component("Sibling").pid
            // A reload of something else is not refused for its sake.
            try host.configure(
                Fixture.component("Sibling", config: "{answer: changed}") + Fixture.component("Broken"))
            #expect(try host.reload().result == .committed)
            #expect(try host.get("/", from: "Sibling").text == "changed")
            #expect(try host.component("Sibling").pid != pid)
            try host.install("FixtureTwo", as: "Broken")
            #expect(try host.reload().result == .committed)
            #expect(try host.get("/code", from: "Broken").text == "two")
        }

        @Test func everyFixtureIsInATable() throws {
            let known =
                (BrokenPlugin.atStart + BrokenPlugin.whileRunning + BrokenPlugin.onTheWayOut)
                .filter { $0.file == nil }.map(\.name) + BrokenPlugin.harmless
            let files = try FixtureFile.all().map(\.name)
            #expect(files.count > 40)
            #expect(known.sorted() == files)
        }

        @Test func theReadmeSaysWhatEachFixtureSays() throws {
            let table = try FixtureFile.readme()
            for file in try FixtureFile.all() {
                #expect(table.contains("| `\(file.name)` | \(file.broken) | \(file.host) |"), "\(file)")
            }
            let rows = table.split(separator: "\n").filter { $0.hasPrefix("| `") }
            #expect(rows.count == (try FixtureFile.all().count))
        }
    }
}

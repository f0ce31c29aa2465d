import ControlProtocol
import Foundation
import Testing

extension LiveTests {
    /// Starts and ends of helpers, against the real binary.
    @Suite(.enabled(if: HelperHost.isPossible)) struct HelperLifeTests {
        @Test func endOfAHelperIsToldOnceWithItsStatus() throws {
            let helpers = try HelperHost()
            for (message, expected) in [("exit 0", "exited 0"), ("exit 7", "exited 7"), ("die 11", "signalled 11")] {
                let helper = try helpers.start("plain")
                #expect(try helper.ask(message) == "end of the socket")
                #expect(try helper.ending() == "ended: \(expected)")
            }
            #expect(try helpers.callbacks == "started 3 failed 0 ended 3")
            try helpers.host.waitUntil("it is logged") {
                helpers.host.log.contains("App/plain#1: it exited with status 7")
            }
            #expect(helpers.host.log.contains("App/plain#1: it was ended by SIGSEGV"))
        }

        @Test func helperSeesTheEndOfItsSocketWhenTheComponentClosesIt() throws {
            let helpers = try HelperHost()
            let helper = try helpers.start("plain")
            #expect(try helper.close() == "closed")
            #expect(try helper.ending() == "ended: exited 0")
        }

        @Test func helperIsTerminatedAndThenKilled() throws {
            let helpers = try HelperHost()
            let meek = try helpers.start("plain")
            #expect(try meek.end(grace: 60_000) == "status 0")
            #expect(try meek.ending() == "ended: signalled 15")
            let stubborn = try helpers.start("plain")
            #expect(try stubborn.ask("ignore-term") == "ok 0")
            #expect(try stubborn.end(grace: 100) == "status 0")
            #expect(try stubborn.ending() == "ended: signalled 9")
            let doomed = try helpers.start("plain")
            #expect(try doomed.end(grace: 0) == "status 0")
            #expect(try doomed.ending() == "ended: signalled 9")
            // MUSTER_GONE.
            #expect(try doomed.end(grace: 0) == "status 4")
        }

        @Test func everythingThatAHelperStartedEndsWithIt() throws {
            let helpers = try HelperHost()
            let helper = try helpers.start("plain")
            let supervisor = helpers.host.processID
            guard try helper.ask("leave-children 50").hasPrefix("ok ") else { throw LiveFailure("no children") }
            let pid = try helper.pid
            let family = descendants(of: pid)
            #expect(family.count == 50)
            kill(pid, SIGKILL)
            #expect(try helper.ending() == "ended: signalled 9")
            try helpers.host.waitUntil("its children are gone") { family.allSatisfy { !isAlive($0) || isZombie($0) } }
            #expect(helpers.host.processID == supervisor && helpers.host.exited() == nil)
        }

        @Test func helpersEndWithAWorkerThatIsKilled() throws {
            let helpers = try HelperHost()
            let running = try (0..<3).map { _ in try helpers.start("plain") }
            // The end of its socket would end it as well.
            for helper in running { #expect(try helper.ask("outlive") == "ok 1") }
            let pids = try running.map { try $0.pid }
            let worker = try helpers.worker
            kill(worker, SIGKILL)
            try helpers.host.waitUntil("the helpers are gone") { pids.allSatisfy { !isAlive($0) } }
            try helpers.host.waitUntil("App runs again") {
                let now = try helpers.host.component("App")
                return now.state == .running && now.pid != worker
            }
            #expect(try helpers.start("plain").ask("facts").hasPrefix("ok "))
        }

        @Test func helpersEndWithASupervisorThatIsKilled() throws {
            let helpers = try HelperHost()
            let running = try ["plain", "reader", "writer"].map { try helpers.start($0) }
            for helper in running { #expect(try helper.ask("outlive") == "ok 1") }
            let pids = try running.map { try $0.pid }
            helpers.host.signal(SIGKILL)
            try helpers.host.waitForExit()
            try helpers.host.waitUntil("the helpers are gone") { pids.allSatisfy { !isAlive($0) || isZombie($0) } }
        }

        @Test func helpersEndBeforeTheComponentsStop() throws {
            let helpers = try HelperHost()
            let meek = try helpers.start("plain").pid
            let stubborn = try helpers.start("plain")
            #expect(try stubborn.ask("ignore-term") == "ok 0")
            #expect(try stubborn.ask("outlive") == "ok 1")
            let pid = try stubborn.pid
            #expect(try helpers.host.stop() == 0)
            #expect(!isAlive(meek) && !isAlive(pid))
            #expect(helpers.host.log.contains("stop: started 2 ended 2"))
        }

        @Test func reloadLeavesTheOldHelperToTheOldWorker() throws {
            let helpers = try HelperHost()
            let old = try helpers.start("plain")
            let pid = try old.pid
            let worker = try helpers.worker
            // A request under way keeps the old worker from ending.
            let connection = try Connection(port: helpers.host.port(of: "App"))
            #expect(try connection.get("/state/\(old.number)/").text == "started")
            try helpers.configure("config: {early: true}")
            #expect(try helpers.host.reload().result == .committed)
            let new = try helpers.worker
            #expect(new != worker)
            // The new one has started its own, in prepare already; numbers are each worker's.
            try helpers.host.waitUntil("the new helper runs") { try helpers.state("1") == "started" }
            let newPID = try HelperHost.Helper(number: "1", host: helpers).pid
            #expect(newPID != pid && isAlive(newPID))
            try helpers.host.waitUntil("the old worker and its helper are gone") { !isAlive(worker) && !isAlive(pid) }
            #expect(helpers.host.log.contains("stop: started 1 ended 1"))
            #expect(isAlive(newPID))
        }

        @Test func changedProgramRestartsTheComponentAtAReload() throws {
            let helpers = try HelperHost()
            let worker = try helpers.worker
            #expect(try helpers.host.reload().result == .unchanged)
            // Beside the plugin comes before beside the host.
            var program = try Data(contentsOf: URL(fileURLWithPath: "\(LiveHost.products)/fixture-helper"))
            program.append(0)
            try helpers.host.replace("plugins/fixture-helper", with: program)
            #expect(chmod("\(helpers.host.directory)/plugins/fixture-helper", 0o755) == 0)
            let receipt = try helpers.host.reload()
            #expect(receipt.result == .committed)
            #expect(receipt.components.first?.reason == "helpers changed", "\(receipt.components)")
            #expect(try helpers.worker != worker)
            #expect(try helpers.start("plain").ask("facts").hasPrefix("ok "))
        }

        @Test func programThatCannotBeTrustedIsAMistakeWithItsPlace() throws {
            let helpers = try HelperHost()
            let path = "\(helpers.host.directory)/plugins/fixture-helper"
            let program = try Data(contentsOf: URL(fileURLWithPath: "\(LiveHost.products)/fixture-helper"))
            try helpers.host.replace("plugins/fixture-helper", with: program)
            for (mode, expected) in [(mode_t(0o777), "is writable by others"), (0o644, "is not executable; chmod +x")] {
                #expect(chmod(path, mode) == 0)
                let receipt = try helpers.host.reload()
                #expect(receipt.result == .refused)
                let text = receipt.diagnostics.joined(separator: "\n")
                #expect(
                    text.contains("config.yaml:7:3: error: the helper 'plain' of App") && text.contains(expected),
                    "\(text)")
            }
            try helpers.host.replace("plugins/fixture-helper", with: Data("#!/bin/sh\n".utf8))
            #expect(chmod(path, 0o755) == 0)
            let text = try helpers.host.reload().diagnostics.joined(separator: "\n")
            #expect(text.contains("is not a program in ELF"), "\(text)")
            #expect(try helpers.start("plain").ask("facts").hasPrefix("ok "))
        }

        @Test func sixteenHelpersRunAndNoMore() throws {
            let helpers = try HelperHost()
            let running = try (0..<HelperLimits.count).map { _ in try helpers.start("plain") }
            #expect(try helpers.request("plain").hasPrefix("status 5: 16 helpers"))
            #expect(try running[0].end(grace: 0) == "status 0")
            _ = try running[0].ending()
            let next = try helpers.start("plain")
            #expect(try next.ask("facts").hasPrefix("ok "))
            // Each is itself.
            #expect(Set(try running.dropFirst().map { try $0.pid }).count == HelperLimits.count - 1)
        }

        @Test func helperThatEndsAtOnceIsNotStartedForEver() throws {
            let helpers = try HelperHost()
            var refused: String?
            for _ in 0..<100 where refused == nil {
                let number = try helpers.request("plain")
                try helpers.host.waitUntil("it is decided") { try helpers.state(number) != "starting" }
                let state = try helpers.state(number)
                if state.hasPrefix("failed") {
                    refused = state
                } else {
                    let helper = HelperHost.Helper(number: number, host: helpers)
                    _ = try helper.end(grace: 0)
                    _ = try helper.ending()
                }
            }
            #expect(refused?.contains("try again later") == true)
            #expect(helpers.host.exited() == nil)
        }

        @Test func requestsThatAreNotAllowedAreAnswersAndNoTraps() throws {
            let helpers = try HelperHost()
            for what in ["name", "no-name", "large", "many", "nul", "no-text", "null", "endless", "handler", "small"] {
                #expect(try helpers.wrong(what) == "status 2", "\(what)")
            }
            #expect(try helpers.callbacks == "started 0 failed 0 ended 0")
            #expect(try helpers.start("plain").ask("facts").hasPrefix("ok "))
        }

        @Test func manyStartsLeaveNoDescriptorAndNoProcess() throws {
            let helpers = try HelperHost()
            _ = try helpers.start("plain").end(grace: 0)
            let supervisor = helpers.host.processID
            let worker = try helpers.worker
            try helpers.host.waitUntil("the first is gone") { children(of: supervisor).count == 1 }
            let before = (descriptorCount(of: supervisor), descriptorCount(of: worker))
            for _ in 0..<40 {
                let helper = try helpers.start("plain")
                _ = try helper.end(grace: 0)
                _ = try helper.ending()
            }
            try helpers.host.waitUntil("all are gone") { children(of: supervisor).count == 1 }
            #expect(descriptorCount(of: supervisor) <= before.0 + 2)
            #expect(descriptorCount(of: worker) <= before.1 + 4)
        }

        @Test func checkPreparesAComponentAndStartsNoHelper() throws {
            let host = try LiveHost(plugins: ["App": "FixtureHelpers"])
            try host.configure("App:\n  listen: {web: \"127.0.0.1:0\"}\n  config: {early: true}\n")
            let outcome = try Command.run("muster", ["check", host.configurationPath])
            #expect(outcome.status == 0, "\(outcome.output)")
        }

        @Test func grantForHelpersIsNotTheComponents() throws {
            guard geteuid() == 0 else { return }
            let helpers = try HelperHost(component: "helpers: {grants: [CAP_DAC_READ_SEARCH]}")
            let status = try String(contentsOfFile: "/proc/\(try helpers.worker)/status", encoding: .utf8)
            #expect(status.contains("CapEff:\t0000000000000000"))
            // Nor is it a helper's that does not declare it.
            #expect(try helpers.start("reader").fact("capabilities") == "0")
            #expect(try helpers.start("reader").ask("open /etc/shadow") == "no EACCES")
        }

        @Test func grantedHelperReadsWhatItsUserMayNotAndNothingElse() throws {
            guard geteuid() == 0 else { return }
            let helpers = try HelperHost("FixtureGrantedHelpers", component: "helpers: {grants: [CAP_DAC_READ_SEARCH]}")
            let helper = try helpers.start("plain")
            #expect(try helper.fact("capabilities") == "4")
            #expect(try helper.fact("user") != "0")
            #expect(try helper.ask("open /etc/shadow").hasPrefix("ok "))
            #expect(try helper.ask("open /etc/shadow write") == "no EACCES")
            #expect(try helper.ask("open /proc/1/environ") == "no EACCES")
            #expect(try helper.ask("call setuid") == "no EPERM")
            #expect(try helper.ask("execute execve /bin/sh") == "no EPERM")
        }

        @Test func helperWithoutItsGrantIsAMistakeWithItsPlace() throws {
            let host = try LiveHost(plugins: ["App": "FixtureGrantedHelpers"])
            try host.configure("App:\n  listen: {web: \"127.0.0.1:0\"}\n")
            try host.start()
            #expect(try host.waitForExit() == 78)
            #expect(host.log.contains("config.yaml:7:3: error: the helper 'plain' of App: it cannot work without"))
            #expect(host.log.contains("'helpers: {grants: [CAP_DAC_READ_SEARCH]}'"))
        }
    }
}

/// The children of a process and theirs.
func descendants(of pid: pid_t) -> [pid_t] {
    children(of: pid).flatMap { [$0] + descendants(of: $0) }
}

func isZombie(_ pid: pid_t) -> Bool {
    let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    return status.contains("State:\tZ")
}

import ControlProtocol
import Foundation
import Testing

extension LiveTests {
    /// How long to soak, from `MUSTER_SOAK_MINUTES`; nil: not at all.
    static let soakMinutes = ProcessInfo.processInfo.environment["MUSTER_SOAK_MINUTES"].flatMap { Double($0) }

    /// Reloads and crashes under load for a long time: `make soak`.
    @Suite(.enabled(if: soakMinutes != nil, "make soak runs it")) struct SoakTests {
        @Test func reloadsAndCrashesUnderLoadLeakNothingAndFailNoSibling() throws {
            let end = Date().addingTimeInterval((LiveTests.soakMinutes ?? 0) * 60)
            let settings = "supervision: {restart_limit: 100000, drain_timeout: 2s}"
            let host = try Fixture.start(host: settings)
            let appPort = try host.port(of: "App")
            let otherPort = try host.port(of: "Other")
            var baseline: (descriptors: Int, resident: UInt64)?
            var round = 0
            while Date() < end {
                round += 1
                let app = Load(port: appPort, clients: 1)
                let other = Load(port: otherPort, clients: 1)
                try reloadAndCrash(host, round: round, settings: settings)
                let failures = app.stop().failures
                #expect(failures["refused"] == nil, "round \(round): \(failures)")
                let tally = other.stop()
                #expect(tally.failures.isEmpty, "round \(round): \(tally)")
                try host.waitUntil("nothing drains") { try host.status().components.allSatisfy { $0.draining.isEmpty } }
                let now = (descriptorCount(of: host.processID), residentBytes(of: host.processID))
                print(
                    "round \(round): \(tally.answered) answers of the sibling, \(now.0) descriptors, \(now.1 >> 10) KiB"
                )
                // The first rounds fill pools and caches.
                if round == 3 { baseline = now }
                if let baseline {
                    #expect(now.0 <= baseline.descriptors, "round \(round) leaked descriptors")
                    #expect(now.1 <= baseline.resident * 3 / 2, "round \(round) leaked memory")
                }
            }
            #expect(try host.stop() == 0)
        }

        private func reloadAndCrash(_ host: LiveHost, round: Int, settings: String) throws {
            for number in 1...10 {
                try Fixture.configure(host, app: "{answer: \"\(round)-\(number)\"}", host: settings)
                #expect(try host.reload().result == .committed)
                guard number % 3 == 0, let pid = try host.component("App").pid else { continue }
                kill(pid, SIGKILL)
                try host.waitUntil("App is replaced") {
                    let now = try host.component("App")
                    return now.state == .running && now.pid != pid
                }
            }
        }

        private func residentBytes(of pid: pid_t) -> UInt64 {
            let pages = try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8).split(separator: " ")
                .dropFirst()
            return (pages?.first.flatMap { UInt64($0) } ?? 0) * UInt64(sysconf(Int32(_SC_PAGESIZE)))
        }
    }
}

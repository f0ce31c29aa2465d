import Fleet
import Foundation
import Testing

/// `--wait` goes on whatever becomes of the components that it listens to.
@Suite("Waiting for jobs of the fleet")
struct FleetStreamTests {
    @Test func waitingGoesOnThroughReloadsAndKills() throws {
        let fleet = try CommandFleet(clients: ["alpha", "beta"])
        let beta = fleet.clients[1]
        try beta.live.stop()
        let waiting = try fleet.begin("poll", "--all", "--wait")
        var id: JobID?
        try fleet.wait(until: "the others have answered") {
            let job = try fleet.jobs().first
            id = job?.id
            return job?.counts.succeeded == 2
        }
        let job = try #require(id)
        for (what, rate, doorbells) in [
            ("PollHandler is reloaded", 1000, 201), ("ClientService is reloaded", 1001, 201),
            ("both are reloaded", 1002, 202),
        ] {
            try fleet.configureServer(rate: rate, doorbells: doorbells)
            let reloaded = try fleet.reload(fleet.server)
            #expect(reloaded.status == 0, "\(what): \(reloaded)")
            #expect(waiting.isRunning, "\(what): \(waiting.errors)")
        }
        for name in ["PollHandler", "ClientService"] {
            let former = try #require(try fleet.server.process(of: name))
            #expect(kill(former, SIGKILL) == 0)
            try fleet.wait(until: "\(name) is there again") {
                let component = try fleet.server.live.component(name)
                return component.state == .running && component.pid.map { pid_t($0) } != former
            }
            #expect(try fleet.report(job).job.counts.succeeded == 2, "\(name) was killed: \(waiting.errors)")
            #expect(waiting.isRunning, "\(name) was killed: \(waiting.errors)")
        }
        try beta.live.startAndWait()
        let polled = try waiting.wait()
        #expect(polled.status == 0 && polled.output.hasSuffix("\n3 clients: 3 succeeded.\n"), "\(polled)")
        #expect(polled.table("CLIENT").allSatisfy { $0["STATE"] == "succeeded" }, "\(polled)")
    }
}

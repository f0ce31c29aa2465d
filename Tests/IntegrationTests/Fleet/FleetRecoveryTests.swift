import Fleet
import Foundation
import Testing

/// Machines that forget, are put out, become others, and a server that is set back.
@Suite("Recovery in the fleet")
struct FleetRecoveryTests {
    /// Its component's state is gone while it has a job: the job is offered again, and done once.
    @Test func machineThatIsSetUpAnewDoesItsJobOnce() throws {
        let fleet = try CommandFleet(clients: ["alpha"])
        let alpha = fleet.clients[0]
        let folder = try fleet.plant(on: alpha)
        let job = try holdSweep(of: alpha, folder, fleet)
        alpha.live.signal(SIGKILL)
        try alpha.live.waitForExit()
        try FileManager.default.removeItem(atPath: "\(alpha.live.directory)/data/components/ClientService")
        try alpha.live.startAndWait()
        let watched = try fleet.muster("jobs", "\(job)", "--watch")
        #expect(watched.status == 1, "it finds what is there: \(watched)")
        let row = try #require(try fleet.report(job).rows.first)
        #expect(row.state == .succeeded && row.attempt == 2 && !row.isLate, "\(row)")
        let found: [DetectionRow] = try fleet.muster("detections", "--json").lines()
        #expect(found.count == 1 && found.first?.job == job, "once: \(found)")
    }

    /// Orders a sweep of one client, and holds it there: the process that sweeps is stopped.
    private func holdSweep(of client: FleetHost, _ folder: String, _ fleet: CommandFleet) throws -> JobID {
        let sweeper = try #require(try client.process(of: "SweepHandler"))
        #expect(kill(sweeper, SIGSTOP) == 0)
        let job = try fleet.order("sweep", "--client", client.name, "--path", folder)
        try fleet.wait(until: "the client has the job") { try fleet.report(job).rows.first?.state == .running }
        return job
    }

    @Test func clientThatIsRevokedWhileItWorksEndsItsJobAndComesBackAsAnother() throws {
        let fleet = try CommandFleet(clients: ["alpha", "beta"])
        let alpha = fleet.clients[0]
        let former = try #require(try alpha.folder.read().peer.client)
        let folder = try fleet.plant(on: alpha)
        let job = try holdSweep(of: alpha, folder, fleet)
        let watching = try fleet.begin("jobs", "\(job)", "--watch")
        #expect(try fleet.muster("fleet", "revoke", "alpha").status == 0)
        let watched = try watching.wait()
        #expect(watched.status == 2 && watched.table("CLIENT").first?["STATE"] == "failed", "\(watched)")
        #expect(watched.output.contains("alpha: the client was revoked"), "\(watched)")
        // What it still finds is nobody's.
        if let sweeper = try alpha.process(of: "SweepHandler") { kill(sweeper, SIGCONT) }
        try fleet.wait(until: "the client says that it was revoked") {
            alpha.live.log.contains("This client was revoked;")
        }
        #expect(try fleet.enroll(alpha, try fleet.token(), "--again").status == 0)
        let polled = try fleet.muster("poll", "--all", "--wait")
        #expect(polled.status == 0 && polled.output.hasSuffix("\n3 clients: 3 succeeded.\n"), "\(polled)")
        #expect(try alpha.folder.read().peer.client != former)
        let found: [DetectionRow] = try fleet.muster("detections", "--json").lines()
        #expect(found.isEmpty)
        #expect(try fleet.report(job).job.counts.failed == 1)
        let swept = try fleet.muster("sweep", "--where", "name=alpha", "--path", folder, "--wait")
        #expect(swept.status == 1 && swept.output.hasSuffix("\n1 client: 1 succeeded; 1 detection.\n"), "\(swept)")
    }

    /// The host goes on, and its parts take the new identity: what they dial with, and what their ports show.
    @Test func hostThatRunsBecomesAnotherClientWithoutARestart() throws {
        let fleet = try CommandFleet(clients: ["alpha"])
        let alpha = fleet.clients[0]
        // The look at its certificate's file comes once a minute otherwise, which is as long as this test waits.
        try alpha.live.stop()
        try alpha.configure(roles: "client", host: "debug: true")
        try alpha.live.start(variables: ["MUSTER_CREDENTIAL_PERIOD_MS": "200"])
        try alpha.live.waitUntilRunning()
        let process = alpha.live.processID
        let former = try #require(try alpha.folder.read().peer.client)
        let enrolled = try fleet.enroll(alpha, try fleet.token(), "--again")
        #expect(
            enrolled.status == 0
                && enrolled.output.hasSuffix("A host runs: `muster reload` takes the identity over.\n"),
            "\(enrolled)")
        let own = try #require(try alpha.folder.read().peer.client)
        #expect(own != former)
        try fleet.wait(until: "the new client is online and the old one is not") {
            let rows = try fleet.clientRows().filter { $0.name == "alpha" }
            return rows.filter(\.isOnline).map(\.id) == [own] && rows.filter { !$0.isOnline }.map(\.id) == [former]
        }
        let polled = try fleet.muster("poll", "--client", "\(own)", "--wait")
        #expect(polled.status == 0, "\(polled)")
        let both = try fleet.muster("poll", "--client", "alpha")
        #expect(both.status == 3 && both.problem.contains("2 clients are called 'alpha'"), "\(both)")
        #expect(alpha.live.processID == process && alpha.live.exited() == nil)
        // The server finds it at its doorbell, too.
        try fleet.wait(until: "its ports show the new identity") {
            let shown = try Command.run(
                "/usr/bin/openssl",
                [
                    "s_client", "-connect", "\(alpha.address):50002", "-cert", fleet.server.folder.identityPath, "-key",
                    fleet.server.folder.identityPath,
                ])
            let text = try Command.run(
                "/usr/bin/openssl", ["x509", "-noout", "-ext", "subjectAltName"], input: shown.output)
            return text.output.contains("muster:client/\(own)")
        }
    }

    /// The server is set back to a backup.
    @Test func serverThatIsSetBackToABackupGoesOn() throws {
        let fleet = try CommandFleet(clients: ["alpha", "beta"])
        let (alpha, beta) = (fleet.clients[0], fleet.clients[1])
        let before = try fleet.muster("poll", "--all", "--wait", "--json").document(JobReport.self).job
        try beta.live.stop()
        // One that waits for beta, one that alpha does after the backup.
        let waiting = try fleet.order("poll", "--client", "beta")
        let sweeper = try #require(try alpha.process(of: "SweepHandler"))
        let folder = try fleet.plant(on: alpha)
        #expect(kill(sweeper, SIGSTOP) == 0)
        let sweep = try fleet.order("sweep", "--client", "alpha", "--path", folder)
        try fleet.wait(until: "alpha has the sweep") { try fleet.report(sweep).rows.first?.state == .running }
        let token = try fleet.token(uses: 2)
        let backup = "\(fleet.server.live.directory)/backup.sqlite"
        let saved = try fleet.muster("fleet", "backup", backup)
        #expect(saved.status == 0 && saved.output.hasPrefix("\(backup): "), "\(saved)")
        let twice = try fleet.muster("fleet", "backup", backup)
        #expect(
            twice.status == 3
                && twice.problem == "muster: \(backup) exists Name another file, or write over it with --force.",
            "\(twice)")

        // What is done after it.
        kill(sweeper, SIGCONT)
        #expect(try fleet.muster("jobs", "\(sweep)", "--watch").status == 1)
        let after = try fleet.muster("poll", "--client", "alpha", "--wait", "--json").document(JobReport.self).job
        let gamma = try fleet.addClient("gamma", token: token)
        #expect(try fleet.muster("fleet", "token", "create", "--group", "later").status == 0)

        try restore(backup, to: fleet.server)

        // Clients, tokens and jobs are those of the backup.
        #expect(Set(try fleet.clientRows().map(\.name)) == ["server", "alpha", "beta"])
        let tokens: [TokenRow] = try fleet.muster("fleet", "token", "list", "--json").document()
        #expect(tokens.map(\.usesLeft).sorted() == [0, 2] && tokens.allSatisfy { $0.group == "office" }, "\(tokens)")
        #expect(
            Set(try fleet.jobs().map(\.id)) == [before.id, waiting, sweep], "the later poll is not known: \(after.id)")
        #expect(try fleet.report(before.id).job == before)
        // The result that the backup did not have is sent again, without its details, and once.
        let watched = try fleet.muster("jobs", "\(sweep)", "--watch")
        let row = try #require(try fleet.report(sweep).rows.first)
        #expect(row.state == .succeeded, "\(watched)")
        // The one that was away then does what waits for it.
        try beta.live.startAndWait()
        #expect(try fleet.muster("jobs", "\(waiting)", "--watch").status == 0)
        let polled = try fleet.muster("poll", "--all", "--wait")
        #expect(polled.status == 0 && polled.output.hasSuffix("\n3 clients: 3 succeeded.\n"), "\(polled)")
        // Who enrolled after it is unknown, is told what to do, and comes in again with the token whose use came back.
        try gamma.live.startAndWait()
        try fleet.wait(until: "gamma says that it is not known") {
            gamma.live.log.contains(
                "The company server does not know this client; enrol it again with a new token (muster enroll --again)."
            )
        }
        #expect(try fleet.enroll(gamma, token, "--again").status == 0)
        #expect(try fleet.muster("poll", "--client", "gamma", "--wait").status == 0)
    }

    /// As docs/fleet.md says it.
    private func restore(_ backup: String, to server: FleetHost) throws {
        let store = "\(server.live.directory)/data/components/ClientService/fleet.sqlite"
        #expect(try server.live.stop() == 0)
        for end in ["-wal", "-shm"] { unlink(store + end) }
        var status = stat()
        #expect(stat(store, &status) == 0)
        unlink(store)
        try FileManager.default.copyItem(atPath: backup, toPath: store)
        #expect(chown(store, status.st_uid, status.st_gid) == 0 && chmod(store, 0o600) == 0)
        try server.live.startAndWait()
    }
}

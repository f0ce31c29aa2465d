import Fleet
import Foundation
import Testing

/// A fleet that is made, asked and told by the command line alone.
@Suite("The fleet by its command line")
struct FleetCommandLiveTests {
    /// From nothing to a fleet that is polled and swept, as an administrator sees it.
    @Test func aFleetIsMadePolledSweptAndLookedAtByCommandsAlone() throws {
        let fleet = try CommandFleet(clients: ["alpha", "beta", "gamma"])
        try pollIsAnsweredByAll(fleet)
        try whoIsAwayIsWaitedForThroughAReload(fleet)
        try sweepFindsThePlantedFile(fleet)
        try jobThatWaitsIsCancelled(fleet)
        try clientsAreShown(fleet)
    }

    private let everybody: Set = ["server", "alpha", "beta", "gamma"]

    private func pollIsAnsweredByAll(_ fleet: CommandFleet) throws {
        let polled = try fleet.muster("poll", "--all", "--wait")
        #expect(polled.status == 0, "\(polled)")
        let table = polled.table("CLIENT")
        #expect(table.count == 4 && Set(table.compactMap { $0["CLIENT"] }) == everybody, "\(polled)")
        #expect(table.allSatisfy { $0["STATE"] == "succeeded" && $0["THREATS"] == "none" }, "\(polled)")
        #expect(polled.output.hasSuffix("\n4 clients: 4 succeeded.\n"), "\(polled)")
        let again = try fleet.muster("poll", "--all", "--wait", "--json")
        let report: JobReport = try again.document()
        #expect(again.status == 0 && Set(report.rows.map(\.name)) == everybody && report.job.counts.succeeded == 4)
        #expect(report.rows.allSatisfy { $0.result?["system"]?["family"] == .string("linux") }, "\(again)")
        let one = try fleet.muster("poll", "--client", "gamma", "--client", "alpha", "--wait")
        #expect(one.status == 0 && Set(one.table("CLIENT").compactMap { $0["CLIENT"] }) == ["alpha", "gamma"])
        let group = try fleet.muster("poll", "--group", "office", "--wait")
        #expect(group.status == 0 && group.output.hasSuffix("\n3 clients: 3 succeeded.\n"), "the server is in another")
    }

    private func whoIsAwayIsWaitedForThroughAReload(_ fleet: CommandFleet) throws {
        let away = fleet.clients[1]
        try away.live.stop()
        let waiting = try fleet.begin("poll", "--all", "--wait")
        var job: Job?
        try fleet.wait(until: "the others have answered") {
            job = try fleet.jobs().first
            return job?.counts.succeeded == 3 && job?.counts.total == 4
        }
        let id = try #require(job).id
        #expect(waiting.isRunning && job?.finishedAt == nil)
        let listed = try #require(try fleet.muster("jobs").table("JOB").first)
        #expect(listed["JOB"] == "\(id)" && listed["KIND"] == "poll" && listed["DONE"] == "3/4")
        #expect(listed["STATE"] == "open" && listed["FOR"] == "all" && listed["BY"] == "anna", "\(listed)")
        let shown = try fleet.muster("jobs", "\(id)")
        let states = shown.table("CLIENT").reduce(into: [:]) { $0[$1["CLIENT"] ?? ""] = $1["STATE"] ?? "" }
        #expect(Set(states.filter { $0.value == "succeeded" }.keys) == everybody.subtracting(["beta"]), "\(shown)")
        #expect(states["beta"]?.hasPrefix("queued") == true, "\(shown)")
        // ClientService hands over under the waiting job, and under one that is ordered meanwhile.
        try fleet.configureServer(rate: 1001)
        let reloaded = try fleet.reload(fleet.server)
        #expect(reloaded.status == 0, "\(reloaded)")
        let during = try fleet.muster("poll", "--where", "not name=beta", "--wait")
        #expect(during.status == 0 && during.output.hasSuffix("\n3 clients: 3 succeeded.\n"), "\(during)")
        #expect(waiting.isRunning, "\(waiting.errors)")
        try away.live.startAndWait()
        let polled = try waiting.wait()
        #expect(polled.status == 0 && polled.output.hasSuffix("\n4 clients: 4 succeeded.\n"), "\(polled)")
        let report = try fleet.report(id)
        #expect(report.job.counts.succeeded == 4 && report.rows.allSatisfy { $0.result != nil && !$0.isLate })
    }

    private func sweepFindsThePlantedFile(_ fleet: CommandFleet) throws {
        let folder = try fleet.plant(on: fleet.clients[1])
        let swept = try fleet.muster("sweep", "--all", "--path", folder, "--wait")
        #expect(swept.status == 1, "something was found: \(swept)")
        let table = swept.table("CLIENT")
        #expect(table.count == 4 && table.allSatisfy { $0["STATE"] == "succeeded" && $0["SCANNED"] == "2" }, "\(swept)")
        #expect(table.allSatisfy { $0["COVERAGE"] == "complete" }, "\(swept)")
        #expect(table.filter { $0["DETECTIONS"] != "none" }.map { $0["CLIENT"] } == ["beta"], "\(swept)")
        let found = swept.table("FOUND ON")
        #expect(found.count == 1 && found.first?["FOUND ON"] == "beta", "\(swept)")
        #expect(found.first?["PATH"] == "\(folder)/bad.bin", "\(swept)")
        #expect(found.first?["THREAT"]?.hasPrefix("Test.Planted") == true, "\(swept)")
        #expect(swept.output.hasSuffix("\n4 clients: 4 succeeded; 1 detection.\n"), "\(swept)")

        let listed = try fleet.muster("detections")
        let row = try #require(listed.table("FOUND").first, "\(listed)")
        #expect(row["CLIENT"] == "beta" && row["PATH"] == "\(folder)/bad.bin", "\(listed)")
        #expect(listed.status == 0 && listed.output.hasSuffix("\n1 detection on 1 client.\n"), "\(listed)")
        let rows: [DetectionRow] = try fleet.muster("detections", "--json").lines()
        #expect(rows.map(\.name) == ["beta"] && rows.map(\.detection.path) == ["\(folder)/bad.bin"])
        #expect(row["THREAT"] == rows[0].detection.threat && row["SEVERITY"] == rows[0].detection.severity.rawValue)
        #expect(try fleet.jobs().first?.id == rows[0].job)
        let clean = try fleet.muster("sweep", "--client", "alpha", "--path", folder, "--wait")
        #expect(
            clean.status == 0 && clean.output.hasSuffix("\n1 client: 1 succeeded; nothing was found.\n"), "\(clean)")
    }

    private func jobThatWaitsIsCancelled(_ fleet: CommandFleet) throws {
        try fleet.clients[1].live.stop()
        let ordered = try fleet.muster("poll", "--client", "beta")
        let lines = ordered.output.split(separator: "\n")
        let id = try #require(lines.first.flatMap { JobID($0) }, "\(ordered)")
        #expect(ordered.status == 0 && lines.last?.hasPrefix("Ordered for 1 client.") == true, "\(ordered)")
        let cancelled = try fleet.muster("jobs", "\(id)", "--cancel")
        #expect(cancelled.status == 0 && cancelled.output == "The job is over.\n", "\(cancelled)")
        let again = try fleet.muster("jobs", "\(id)", "--cancel", "--json")
        let job: Job = try again.document()
        #expect(again.status == 0 && job.counts.cancelled == 1 && job.finishedAt != nil)
        let shown = try fleet.muster("jobs", "\(id)")
        #expect(shown.status == 0 && shown.table("CLIENT").first?["STATE"] == "cancelled", "\(shown)")
        #expect(shown.output.contains("beta: cancelled by muster:admin/anna"), "\(shown)")
        let watched = try fleet.muster("jobs", "\(id)", "--watch")
        #expect(watched.status == 2 && watched.output.hasSuffix("\n1 client: 1 cancelled.\n"), "\(watched)")
        try fleet.clients[1].live.startAndWait()
        try fleet.waitUntilOnline(4)
        #expect(try fleet.report(id).job.counts.cancelled == 1, "it is not done after all")

        let table = try fleet.muster("jobs", "--kind", "sweep").table("JOB")
        let jobs: [Job] = try fleet.muster("jobs", "--kind", "sweep", "--json").lines()
        #expect(table.map { $0["JOB"] } == jobs.map { "\($0.id)" } && jobs.count == 2)
        #expect(jobs.allSatisfy { $0.kind == "sweep" && $0.finishedAt != nil })
    }

    private func clientsAreShown(_ fleet: CommandFleet) throws {
        try fleet.wait(until: "beta has reported what it found") {
            try fleet.clientRows().first { $0.name == "beta" }?.openDetections == 1
        }
        let listed = try fleet.muster("clients")
        let table = listed.table("CLIENT")
        let rows = try fleet.clientRows()
        #expect(table.map { $0["CLIENT"] } == rows.map(\.name) && Set(rows.map(\.name)) == everybody, "\(listed)")
        #expect(table.map { $0["ID"] } == rows.map { "\($0.id)" }, "\(listed)")
        #expect(table.allSatisfy { $0["STATE"] == "online" } && rows.allSatisfy(\.isOnline), "\(listed)")
        #expect(table.map { $0["GROUP"] } == rows.map(\.group), "\(listed)")
        #expect(Dictionary(grouping: rows, by: \.group).mapValues(\.count) == ["office": 3, "servers": 1])
        #expect(table.map { $0["OS"] } == rows.map { $0.status?.system.os }, "\(listed)")
        #expect(listed.output.hasSuffix("\n4 clients: 4 online, 0 offline, 1 with open threats.\n"), "\(listed)")
        let shown = try fleet.muster("clients", "beta")
        #expect(shown.status == 0 && shown.output.hasPrefix("beta\n"), "\(shown)")
        let row: ClientRow = try fleet.muster("clients", "beta", "--json").document()
        #expect(row.name == "beta" && row.openDetections == 1 && row.status?.components.count == 3)
        for words in ["\(row.id)", "office", "online", "running", "right, to the second"] {
            #expect(shown.output.contains(words), "\(words) in \(shown)")
        }
        let byID: ClientRow = try fleet.muster("clients", "\(row.id)", "--json").document()
        #expect(byID.id == row.id)
        let some: [ClientRow] = try fleet.muster("clients", "--where", "group=office and not name=beta", "--json")
            .lines()
        #expect(Set(some.map(\.name)) == ["alpha", "gamma"])
    }
}

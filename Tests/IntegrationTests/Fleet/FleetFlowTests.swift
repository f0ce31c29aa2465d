import Fleet
import Foundation
import Testing

/// Polls and sweeps from an order to its last answer, over real hosts with the documented ports.
@Suite("The fleet at work")
struct FleetFlowTests {
    @Test func aPollIsAnsweredByEveryClientTheServerIncluded() throws {
        let world = try FleetWorld(clients: 3)
        let job = try world.order("poll", JobOrder(selector: "all"))
        let report = try world.waitForEnd(of: job.id)
        #expect(report.job.counts.succeeded == 4, "\(report)")
        #expect(Set(report.rows.map(\.name)) == ["server", "one", "two", "three"])
        for row in report.rows {
            let status = try #require(
                try row.result.map { try FleetJSON.decode(ClientStatus.self, from: FleetJSON.encode($0)) })
            #expect(
                status.system.family == "linux" && !status.system.kernel.isEmpty
                    && status.disks.contains { $0.path == "/" })
            #expect(
                Set(status.components.filter { $0.state == "running" }.map(\.name)) == [
                    "ClientService", "PollHandler", "SweepHandler",
                ])
        }
        let client: ClientRow = try world.ask("GET", "/v1/clients/two", as: .viewer).json()
        #expect(client.group == "office" && client.isOnline && abs(client.clockSkew ?? 99) < 2)
        try world.server.live.waitUntil("the status is with the client's row") {
            let row: ClientRow = try world.ask("GET", "/v1/clients/two", as: .viewer).json()
            return row.status?.system.family == "linux"
        }
    }

    @Test func aClientThatIsAwayIsWaitedForAndAnswersWhenItReturns() throws {
        let world = try FleetWorld(clients: 2)
        let away = world.clients[0]
        try away.live.stop()
        let job = try world.order("poll", JobOrder(selector: "all"))
        try world.server.live.waitUntil("the others have answered") {
            try world.report(job.id).job.counts.succeeded == 2
        }
        let open = try #require(try world.report(job.id).rows.first { $0.name == "one" })
        #expect(!open.state.isTerminal)
        try away.startAndWait()
        #expect(try world.waitForEnd(of: job.id).job.counts.succeeded == 3)
    }

    @Test func aSweepFindsThePlantedFileOnTheOneMachineThatHasIt() throws {
        let world = try FleetWorld(clients: 2)
        let folder = try world.plant("planted content\n", named: "bad.bin", on: world.clients[1])
        let job = try world.order(
            "sweep", JobOrder(selector: "group=office", parameters: .object(["paths": .array([.string(folder)])])))
        let report = try world.waitForEnd(of: job.id)
        #expect(report.job.counts.succeeded == 2, "\(report)")
        let found: Page<DetectionRow> = try world.ask("GET", "/v1/detections", as: .viewer).json()
        #expect(found.items.map(\.name) == ["two"], "one has no definitions of it")
        let detection = try #require(found.items.first?.detection)
        #expect(
            detection.path == folder + "/bad.bin" && detection.threat.hasPrefix("Test.Planted") && detection.size == 16)
        for row in report.rows {
            let sweep = try #require(
                try row.result.map { try FleetJSON.decode(SweepReport.self, from: FleetJSON.encode($0)) })
            #expect(sweep.coverage.sum == sweep.coverage.seen && sweep.coverage.seen == 2 && sweep.isComplete)
        }
    }

    @Test func aCancelledJobEndsEverywhereAtOnceOrWhenItsClientHears() throws {
        let world = try FleetWorld(clients: 2)
        try world.clients[0].live.stop()
        let job = try world.order("poll", JobOrder(selector: "client=one"))
        let cancelled: Job = try world.ask("DELETE", "/v1/polls/\(job.id)", as: .operator, port: 50002).json()
        #expect(cancelled.counts.cancelled == 1 && cancelled.finishedAt != nil)
        let again: Job = try world.ask("DELETE", "/v1/jobs/\(job.id)", as: .operator).json()
        #expect(again == cancelled, "cancelling is idempotent")
        try world.clients[0].startAndWait()
        try world.waitUntilOnline(3)
        #expect(try world.report(job.id).job.counts.cancelled == 1)
    }

    @Test func whatIsNotDoneByItsDeadlineHasExpired() throws {
        let world = try FleetWorld(clients: 1)
        try world.clients[0].live.stop()
        let job = try world.order("poll", JobOrder(selector: "all", deadline: .now() + .seconds(3)))
        let report = try world.waitForEnd(of: job.id)
        #expect(report.job.counts.expired == 1 && report.job.counts.succeeded == 1)
        #expect(report.rows.first { $0.name == "one" }?.reason.contains("deadline") == true)
        try world.clients[0].startAndWait()
        try world.waitUntilOnline(2)
        #expect(try world.report(job.id).job == report.job, "an end is an end")
    }

    /// A reload under open long polls and jobs: nothing fails, and the clients are back without a pause.
    @Test func aReloadOfClientServiceDuringJobsLosesNothing() throws {
        let world = try FleetWorld(clients: 3)
        var jobs: [JobID] = []
        var pauses: [Duration] = []
        for round in 0..<5 {
            jobs.append(try world.order("poll", JobOrder(selector: "all")).id)
            // Another dispatch rate is another configuration: ClientService is handed over.
            try world.server.configure(
                roles: "server, client", settings: "{heartbeat: 1s, lease: 10s, dispatch_rate: \(2000 + round)}")
            // A third generation waits for the first to end.
            let receipt = try world.server.live.reload()
            let before = SuspendingClock.now
            #expect(receipt.result == .committed, "\(receipt)")
            jobs.append(try world.order("poll", JobOrder(selector: "all")).id)
            try world.server.live.waitUntil("the long polls are open again", within: 10) {
                let status: PortStatus = try world.ask("GET", "/v1/status", as: .viewer).json()
                return status.server?.waiting == 4
            }
            pauses.append(SuspendingClock.now - before)
        }
        // An orderly end is no failure, after which they would wait longer each time. A busy machine may hold up one round.
        #expect(pauses.sorted()[pauses.count / 2] < .seconds(2), "no back-off after an orderly end: \(pauses)")
        for client in world.clients { #expect(!client.live.log.contains("The company server cannot be reported to")) }
        for job in jobs {
            let report = try world.waitForEnd(of: job)
            #expect(
                report.job.counts.succeeded == 4 && report.rows.allSatisfy { $0.result != nil && !$0.isLate },
                "\(report)")
        }
    }

    /// The new generation comes with a component that cannot be activated: the old one takes everything up again, as server
    /// and as client.
    @Test func aHandOverThatFailsLeavesTheFleetAsItWas() throws {
        let world = try FleetWorld(clients: 1)
        try world.server.live.install("FixtureAbortsInActivate", as: "Bad")
        for round in 0..<2 {
            try world.server.configure(
                roles: "server, client", settings: "{heartbeat: 1s, lease: 10s, dispatch_rate: \(2000 + round)}",
                others: "Bad: {listen: {web: \"127.0.0.1:0\"}}")
            let receipt = try world.server.live.reload()
            #expect(receipt.result == .refused && "\(receipt)".contains("activate"), "\(receipt)")
            let job = try world.order("poll", JobOrder(selector: "all"))
            #expect(try world.waitForEnd(of: job.id).job.counts.succeeded == 2)
            try world.server.live.waitUntil("both wait for work", within: 10) {
                let status: PortStatus = try world.ask("GET", "/v1/status", as: .viewer).json()
                return status.server?.waiting == 2
            }
        }
        #expect(try world.server.live.component("ClientService").generation == 1)
    }

    struct PortStatus: Codable {
        struct Server: Codable { var waiting: Int }
        var server: Server?
    }

    /// Any process at any moment: what was ordered is answered, and once.
    @Test func killsAtRandomMomentsLoseAndDoubleNothing() throws {
        let kills = Int(ProcessInfo.processInfo.environment["MUSTER_FLEET_KILLS"] ?? "") ?? 50
        let world = try FleetWorld(
            clients: 3, supervision: "supervision: {restart_limit: 100000, stable_after: 1s}")
        let hosts = [world.server] + world.clients
        let folder = try world.plant("planted content\n", named: "bad.bin", on: world.clients[0])
        var jobs: [JobID] = []
        var killed: [String: Int] = [:]
        var generator = SystemRandomNumberGenerator()
        while killed.values.reduce(0, +) < kills {
            // Orders go on; those that meet a server that is being killed are not orders.
            let kind = Bool.random(using: &generator) ? "poll" : "sweep"
            let order = JobOrder(
                selector: "all", parameters: kind == "sweep" ? .object(["paths": .array([.string(folder)])]) : nil)
            if let job = try? world.order(kind, order) { jobs.append(job.id) }
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let host = hosts[Int.random(in: 0..<hosts.count, using: &generator)]
                let name = try world.killSomething(on: host, using: &generator)
                if let name { killed[name, default: 0] += 1 }
                usleep(UInt32.random(in: 0...150_000, using: &generator))
            }
        }
        #expect(jobs.count >= kills / 5, "most orders are taken in spite of it: \(jobs.count)")
        for host in hosts { try host.live.waitUntilRunning() }
        let all = try world.allJobs()
        #expect(Set(jobs).isSubset(of: Set(all.map(\.id))), "what was answered with 202 is kept")
        for job in all {
            let report = try world.waitForEnd(of: job.id, within: 180)
            #expect(report.rows.count == 4 && report.job.counts.total == 4)
            #expect(report.job.counts.succeeded == 4, "\(report.rows.map { "\($0.name) \($0.state) \($0.reason)" })")
            #expect(report.rows.allSatisfy { $0.result != nil && !$0.isLate })
        }
        // A result that was taken twice would have its detection twice.
        let sweeps = all.filter { $0.kind == "sweep" }
        let detections = try world.allDetections()
        #expect(detections.count == sweeps.count && Set(detections.map(\.job)) == Set(sweeps.map(\.id)))
        print(
            "\(kills) kills (\(killed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))), \(all.count) jobs, \(all.count * 4) results: 0 lost, 0 doubled"
        )
    }
}

extension FleetWorld {
    /// A server and clients that run and are heard of.
    convenience init(clients count: Int, settings: String = "{heartbeat: 1s, lease: 10s}", supervision: String = "")
        throws
    {
        try self.init(settings: settings, supervision: supervision)
        try server.startAndWait()
        let token = try token(uses: 10)
        for name in ["one", "two", "three", "four"].prefix(count) {
            try addClient(name, token: token).startAndWait()
        }
        try waitUntilOnline(count + 1)
    }

    /// Puts a file and a clean one into a folder that all machines of the test share, and its digest into the definitions
    /// of one of them, a digest of something else into those of the others.
    func plant(_ content: String, named name: String, on host: FleetHost) throws -> String {
        let folder = "\(server.live.directory)/playground"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try content.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        try "clean\n".write(toFile: "\(folder)/clean.txt", atomically: true, encoding: .utf8)
        for machine in [server] + clients {
            let text = machine === host ? content : "something else"
            let digest = TokenSecret.hash(text).map { String(format: "%02x", $0) }.joined()
            try "\(digest):*:Test.Planted\n".write(
                toFile: "\(machine.live.directory)/definitions/test.hsb", atomically: true, encoding: .utf8)
            machine.handOver()
        }
        return folder
    }

    /// Ends a worker or, now and then, the host itself, which is then started again. nil where there was nothing to end.
    func killSomething(on host: FleetHost, using generator: inout some RandomNumberGenerator) throws -> String? {
        if Int.random(in: 0..<6, using: &generator) == 0 {
            host.live.signal(SIGKILL)
            try host.live.waitForExit()
            try host.live.start()
            return "host"
        }
        let name =
            ["ClientService", "ClientService", "PollHandler", "SweepHandler"].randomElement(using: &generator) ?? ""
        guard let pid = try? host.process(of: name), pid > 0 else { return nil }
        return kill(pid, SIGKILL) == 0 ? name : nil
    }

    func allJobs() throws -> [Job] {
        var jobs: [Job] = []
        var after = ""
        while true {
            let page: Page<Job> = try ask("GET", "/v1/jobs?limit=500&after=\(after)", as: .viewer).json()
            jobs += page.items
            guard let next = page.next else { return jobs }
            after = next
        }
    }

    func allDetections() throws -> [DetectionRow] {
        var rows: [DetectionRow] = []
        var after = ""
        while true {
            let page: Page<DetectionRow> = try ask("GET", "/v1/detections?limit=500&after=\(after)", as: .viewer).json()
            rows += page.items
            guard let next = page.next else { return rows }
            after = next
        }
    }
}

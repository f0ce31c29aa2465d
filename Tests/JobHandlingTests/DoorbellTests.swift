import Fleet
import FoundationEssentials
import MusterABI
import PluginTesting
import Testing

@testable import JobHandling

@Suite struct DoorbellTests {
    /// An identity's folder as enrolment makes one.
    private func makeIdentity(_ folder: String) throws {
        let made = try FleetAuthority.make(fleet: "example")
        let authority = try FleetAuthority(
            issuingCertificate: made.issuingCertificate, issuingKey: made.issuingKey, root: made.rootCertificate)
        let key = try IdentityKey.make()
        let request = try SigningRequest(pem: try key.signingRequest(commonName: "server"))
        let issued = try authority.issue(
            [.server], to: request, commonName: "server", names: ["localhost"], lifetime: .seconds(3600))
        try IdentityFolder(path: folder).write(
            key: key, certificate: issued.pem, authority: authority.root,
            profile: FleetProfile(fleet: "example", server: "localhost:50000"), owner: nil)
    }

    private func rings(_ count: Int) -> [RingOrder] {
        (0..<count).map { RingOrder(client: .make(), address: "192.0.2.\($0 % 250 + 1)", port: 50002) }
    }

    private func order(_ fixture: HandlerFixture, _ job: Job) async throws {
        fixture.serve("fleet.jobs create", job)
        #expect(
            try await fixture.send("POST", fixture.base, as: .admin, body: Array(#"{"selector":"all"}"#.utf8)).status
                == 202)
    }

    /// Pages as the fleet has them.
    private func servePages(_ fixture: HandlerFixture, _ pages: [[RingOrder]]) {
        fixture.services["fleet.jobs doorbells"] = { call in
            let query = try? FleetJSON.decode(JobQuery.self, from: call.payload)
            let index = query?.after.flatMap { Int($0) } ?? 0
            let page = Page(items: pages[index], next: index + 1 < pages.count ? "\(index + 1)" : nil)
            return (MUSTER_BUS_ANSWERED, (try? FleetJSON.encode(page)) ?? [])
        }
    }

    @Test func everyClientOfANewJobIsRungAndKnownByItsCertificate() async throws {
        let fixture = try HandlerFixture(.poll, settings: ["doorbells_per_second": .integer(10_000)])
        try makeIdentity(fixture.folder + "/identity")
        let (first, second) = (rings(40), rings(3))
        servePages(fixture, [first, second])
        let job = Job.sample("poll", of: 43)
        try await order(fixture, job)
        var ended: Set<UInt64> = []
        try await fixture.until("all were rung") {
            let open = fixture.host.transfers.filter { !ended.contains($0.number) }
            #expect(open.count <= 32)
            for transfer in open {
                ended.insert(transfer.number)
                if ended.count % 2 == 0 {
                    fixture.host.endTransfer(transfer.number, MUSTER_HTTP_NOT_CONNECTED, reason: "nobody is there")
                } else {
                    fixture.host.sendHead(transfer.number, status: 202)
                    fixture.host.endTransfer(transfer.number, status: 202)
                }
            }
            return ended.count == 43
        }
        let transfers = fixture.host.transfers
        let all = first + second
        #expect(Set(transfers.map(\.expectedPeer)) == Set(all.map { "muster:client/\($0.client)" }))
        #expect(Set(transfers.map(\.url)) == Set(all.map { "https://\($0.address):50002/v1/doorbell" }))
        for transfer in transfers {
            #expect(transfer.method == "POST" && transfer.credentials.allSatisfy { $0 > 0 })
            #expect(try FleetJSON.decode(FetchOrder.self, from: transfer.body) == FetchOrder(job: job.id))
            #expect(transfer.timeouts[0] == 3_000_000_000 && transfer.timeouts[2] == 3_000_000_000)
        }
        try await fixture.until("they are counted") {
            fixture.host.metric("fleet_doorbells_total", ["answered"]) == [22]
                && fixture.host.metric("fleet_doorbells_total", ["failed"]) == [21]
        }
        try await fixture.end()
    }

    @Test func roundEndsWithItsJob() async throws {
        let fixture = try HandlerFixture(.poll, settings: ["doorbells_per_second": .integer(10_000)])
        try makeIdentity(fixture.folder + "/identity")
        servePages(fixture, [rings(200), rings(200), rings(200)])
        let job = Job.sample("poll", of: 600)
        try await order(fixture, job)
        try await fixture.until("it is under way") { fixture.host.transfers.count == 32 }
        fixture.host.deliver("job.finished", from: "ClientService", try FleetJSON.encode(job.event))
        for transfer in fixture.host.transfers { fixture.host.endTransfer(transfer.number, status: 202) }
        // The next round begins when this one has ended.
        servePages(fixture, [rings(1)])
        let next = Job.sample("poll", of: 1)
        try await order(fixture, next)
        try await fixture.until("the next is rung for") {
            fixture.host.transfers.contains { $0.body == (try? FleetJSON.encode(FetchOrder(job: next.id))) }
        }
        #expect(fixture.host.transfers.count == 33)
        for transfer in fixture.host.transfers where !transfer.hasEnded {
            fixture.host.endTransfer(transfer.number, status: 202)
        }
        try await fixture.end()
    }

    @Test func machineWithoutAnIdentityOrAClientStillTakesOrders() async throws {
        let fixture = try HandlerFixture(.poll)
        servePages(fixture, [rings(2)])
        try await order(fixture, .sample("poll"))
        try await fixture.until("both have failed") {
            fixture.host.metric("fleet_doorbells_total", ["failed"]) == [2]
        }
        #expect(fixture.host.transfers.isEmpty)
        #expect(fixture.host.logLines.allSatisfy { $0.level <= MUSTER_LOG_DEBUG })
        try await fixture.end()
    }

    @Test func identityIsReadAgainWhenItsFileHasChanged() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/muster-dial-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try makeIdentity(folder)
        let identity = DialIdentity(folder: .init(folder))
        let first = try identity.current().identity.certificate
        #expect(try identity.current().identity.certificate == first)
        try makeIdentity(folder)
        #expect(try identity.current().identity.certificate != first)
        try FileManager.default.removeItem(atPath: folder)
        #expect(throws: (any Error).self) { try identity.current() }
    }

    @Test func ringIsPassedOnOrRefusedInWords() async throws {
        let fixture = try HandlerFixture(.sweep, roles: ["client"])
        let job = JobID.make()
        let body = try FleetJSON.encode(FetchOrder(job: job))
        fixture.services["client.jobs fetch"] = { _ in (MUSTER_BUS_ANSWERED, []) }
        #expect(try await fixture.send("POST", "/v1/doorbell", as: .server, body: body).status == 202)
        #expect(try FleetJSON.decode(FetchOrder.self, from: fixture.calls[0].payload).job == job)
        fixture.services["client.jobs fetch"] = { _ in (MUSTER_BUS_UNREACHABLE, []) }
        #expect(try await fixture.send("POST", "/v1/doorbell", as: .server, body: body).status == 503)
        #expect(try await fixture.send("POST", "/v1/doorbell", as: .server, body: Array("{}".utf8)).status == 400)
        let large = [UInt8](repeating: 32, count: 5000)
        #expect(try await fixture.send("POST", "/v1/doorbell", as: .server, body: large).status == 413)
        try await fixture.end()
    }
}

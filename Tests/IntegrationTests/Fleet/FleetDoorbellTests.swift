import Fleet
import Foundation
import NetworkTesting
import Testing

/// Clients that do not listen are rung.
@Suite("The doorbells of the fleet")
struct FleetDoorbellTests {
    /// A client that the server put off for ten minutes answers a poll at once, for it is rung.
    @Test func clientThatBacksOffIsRungAndAnswersAtOnce() throws {
        let fleet = try CommandFleet(clients: ["alpha"])
        let alpha = fleet.clients[0]
        try fleet.server.live.stop()
        let identity = try fleet.server.folder.read()
        let putOff = PutOff()
        // In the server's place, with its certificate: it tells both loops of the client to come back in ten minutes.
        let busy = try ScriptedServer(
            .init(
                .init(certificate: Data(identity.certificate), privateKey: Data(identity.privateKey)),
                clientAuthority: Data(identity.authority)), at: fleet.server.address, port: 50000
        ) { connection in
            let (head, _) = try connection.readRequest()
            // The connection ends with the answer: the next request is the real server's.
            try connection.answer(
                "503 Service Unavailable",
                ["Retry-After: 600", "Connection: close", "Content-Type: application/problem+json"],
                body: try FleetJSON.encode(Problem(503, .busy, "Not now.")))
            putOff.note(head.contains("/v1/jobs/lease") ? "lease" : "heartbeat")
        }
        try fleet.wait(until: "the client is put off") { putOff.all == ["lease", "heartbeat"] }
        busy.stop()
        try fleet.server.live.startAndWait()
        #expect(try fleet.clientRows().filter(\.isOnline).map(\.name).contains("alpha") == false)
        let start = SuspendingClock.now
        let polled = try fleet.muster("poll", "--client", "alpha", "--wait")
        #expect(polled.status == 0 && polled.output.hasSuffix("\n1 client: 1 succeeded.\n"), "\(polled)")
        #expect(SuspendingClock.now - start < .seconds(30), "not after ten minutes")
        #expect(alpha.live.log.contains("The company server cannot be reported to; trying again."))
    }

    private final class PutOff: @unchecked Sendable {
        // Sendable: `kinds` is guarded by `lock`.
        private let lock = NSLock()
        private var kinds: Set<String> = []
        func note(_ kind: String) { lock.withLock { _ = kinds.insert(kind) } }
        var all: Set<String> { lock.withLock { kinds } }
    }

    @Test func doorbellOpensToTheServerAlone() throws {
        let fleet = try CommandFleet(clients: ["alpha"])
        let alpha = fleet.clients[0]
        func ring(_ folder: String?, port: Int) throws -> Command.Outcome {
            try Command.run(
                "/usr/bin/curl",
                [
                    "--silent", "--show-error", "--insecure", "--max-time", "20", "--request", "POST", "--header",
                    "Content-Type: application/json", "--data", "{\"job\": \"\(JobID.make(at: .now()))\"}",
                    "--write-out", " %{http_code}",
                    "https://\(alpha.address):\(port)/v1/doorbell",
                ] + (folder.map { ["--cert", "\($0)/identity.pem"] } ?? []))
        }
        for port in [50001, 50002] {
            for folder in [fleet.admin, alpha.folder.path] {
                let refused = try ring(folder, port: port)
                #expect(
                    refused.output.hasSuffix(" 403") && refused.output.contains("Only the company server may ring"),
                    "\(refused)")
            }
            let nobody = try ring(nil, port: port)
            #expect(nobody.status != 0 && nobody.output.hasSuffix(" 000"), "no certificate, no TLS: \(nobody)")
            #expect(try ring(fleet.server.folder.path, port: port).output.hasSuffix(" 202"))
        }
    }
}

import Fleet
import FoundationEssentials
import MusterABI
import PluginKit
import PluginTesting
import Testing
import UpdateTrust

@testable import CommAgent

/// The component in a host that the test plays.
@Suite struct CommAgentTests {
    private struct Fixture {
        let folder: String
        let host: FakeHost

        init(_ vendor: Vendor, _ settings: [String: Setting] = [:], root: [UInt8]? = nil) throws {
            folder = FileManager.default.temporaryDirectory.path + "/muster-agent-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder + "/state", withIntermediateDirectories: true)
            try Data(root ?? vendor.root).write(to: URL(filePath: folder + "/root.json"))
            var all: [String: Setting] = [
                "root": .path(folder + "/root.json"), "definitions": .path(folder + "/definitions"),
                "distributors": .list([.url("http://one")]),
            ]
            all.merge(settings) { $1 }
            host = FakeHost(
                PluginEntry.manifest(of: CommAgent.self), settings: all, stateDirectory: folder + "/state")
        }

        func end() async {
            try? host.quiesce()
            host.cancelWork()
            await host.stopOnControlThread()
            host.destroy()
            try? FileManager.default.removeItem(atPath: folder)
        }

        /// Does the host's work until something is so: answers requests from the vendor's files, and tests by `verdict`.
        func until(
            _ what: String, _ vendor: Vendor, verdict: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
            _ condition: () -> Bool
        ) async throws {
            for _ in 0..<10_000 {
                host.runWork()
                for transfer in host.transfers where !transfer.hasEnded { answer(transfer, vendor) }
                if let call = host.calls.first { try answer(call, verdict) }
                if condition() { return }
                try await Task.sleep(for: .milliseconds(1))
            }
            Issue.record("it did not come to this: \(what); \(host.logLines)", sourceLocation: sourceLocation)
        }

        private func answer(_ transfer: FakeTransfer, _ vendor: Vendor) {
            let path = String(transfer.url.dropFirst("http://one/".count))
            let bytes = vendor.files[path]
            host.sendHead(transfer.number, status: bytes == nil ? 404 : 200, length: UInt64(bytes?.count ?? 0))
            host.sendPiece(transfer.number, bytes ?? [], toFile: transfer.destinationOffset != nil && bytes != nil)
            host.endTransfer(
                transfer.number, status: bytes == nil ? 404 : 200, receivedBytes: UInt64(bytes?.count ?? 0))
        }

        private func answer(_ call: FakeCall, _ verdict: String?) throws {
            #expect(call.service == "definitions.test" && call.method == "test")
            let order = try FleetJSON.decode(DefinitionsTestOrder.self, from: call.payload)
            if let verdict {
                return host.answerCall(MUSTER_BUS_FAILED, status: MUSTER_FAILED, reason: verdict)
            }
            let version = try String(
                decoding: Data(contentsOf: URL(filePath: order.folder + "/version")), as: UTF8.self)
            host.answerCall(
                MUSTER_BUS_ANSWERED,
                payload: try FleetJSON.encode(
                    DefinitionsTestResult(version: String(version.dropLast()), signatures: 40_000)))
        }

        func ask<Answer: Decodable>(
            _ service: String, _ method: String, _ vendor: Vendor, _ payload: [UInt8] = [], as type: Answer.Type
        ) async throws -> Answer {
            let call = host.give(service, method, from: "Console", payload)
            try await until("\(service) answers", vendor) { host.reply(to: call) != nil }
            let reply = try #require(host.reply(to: call))
            #expect(reply.status == MUSTER_OK, "\(reply.reason)")
            return try FleetJSON.decode(from: reply.payload)
        }
    }

    @Test func componentActivatesWhatIsPublishedAndTellsTheBus() async throws {
        let vendor = try Vendor()
        try vendor.publish(Vendor.definitions("1"))
        let fixture = try Fixture(vendor, ["bandwidth": .bytes(1 << 20), "interval": .duration(60_000_000_000)])
        try fixture.host.start()
        try await fixture.until("version 1 is active", vendor) { !fixture.host.published.isEmpty }
        let message = try #require(fixture.host.published.first)
        #expect(message.topic == "definitions.activated")
        #expect(
            try FleetJSON.decode(DefinitionsActivated.self, from: message.payload)
                == DefinitionsActivated(
                    version: "1", folder: fixture.folder + "/definitions/sets/1-1", signatures: 40_000))
        #expect(fixture.host.transfers.allSatisfy { $0.bandwidthLimit == 1 << 20 })
        // The timer for the next look comes with the end of this one.
        try await fixture.until("the next look is set", vendor) { fixture.host.timerCount == 2 }
        #expect(fixture.host.timerTimes.contains([60_000_000_000, 0, 12_000_000_000]))
        let standing = try await fixture.ask("updates.status", "get", vendor, as: UpdateStanding.self)
        #expect(standing.definitions == "1" && standing.snapshot == 1 && standing.state == "idle")

        // Told which snapshot it should have: nothing is done for one that is here.
        let known = try await fixture.ask(
            "updates.check", "check", vendor, try FleetJSON.encode(UpdateCheck(snapshot: 1)), as: UpdateCheckAnswer.self
        )
        #expect(known == UpdateCheckAnswer(.current, snapshot: 1))
        try vendor.publish(Vendor.definitions("2"))
        let next = try await fixture.ask(
            "updates.check", "check", vendor, try FleetJSON.encode(UpdateCheck(snapshot: 2)), as: UpdateCheckAnswer.self
        )
        #expect(next.result == .started)
        try await fixture.until("version 2 is active", vendor) { fixture.host.published.count == 2 }
        try await fixture.until("the look is over", vendor) { fixture.host.timerCount == 2 }
        await fixture.end()
    }

    @Test func rejectedDefinitionsArePublishedWithTheReason() async throws {
        let vendor = try Vendor()
        try vendor.publish(Vendor.definitions("1"))
        let fixture = try Fixture(vendor)
        try fixture.host.start()
        try await fixture.until("it is rejected", vendor, verdict: "main.hsb:7:1: the digest has 3 digits") {
            !fixture.host.published.isEmpty
        }
        let message = try #require(fixture.host.published.first)
        #expect(message.topic == "definitions.rejected")
        #expect(
            try FleetJSON.decode(DefinitionsRejected.self, from: message.payload)
                == DefinitionsRejected(version: "1", reason: "main.hsb:7:1: the digest has 3 digits"))
        #expect(!FileManager.default.fileExists(atPath: fixture.folder + "/definitions/current"))
        try await fixture.until("the look is over", vendor) { fixture.host.timerCount == 2 }
        await fixture.end()
    }

    @Test func configurationThatCannotWorkIsBlamed() async throws {
        let vendor = try Vendor()
        for (settings, root, option) in [
            (["distributors": Setting.list([])], nil, "distributors"),
            (["install": .list([.string("files/* to /opt")])], nil, "install"),
            ([:], Array("{}".utf8), "root"),
        ] as [([String: Setting], [UInt8]?, String)] {
            let fixture = try Fixture(vendor, settings, root: root)
            do {
                try fixture.host.create()
                try fixture.host.prepare()
                Issue.record("option \(option) was taken")
            } catch let failure as FakeHost.Failure {
                #expect(failure.status == MUSTER_CONFIGURATION && failure.option == option, "\(failure)")
            }
            await fixture.end()
        }
    }
}

import Fleet
import FoundationEssentials
import MusterABI
import PluginKit
import PluginTesting
import Testing
import UpdateFetching

@testable import UpdateService
@testable import UpdateTrust

@Suite struct MirroringServiceTests {
    @Test func publicationIsServedToldOfAndInTheStatus() async throws {
        let service = try MirroringService(["downstreams": .list([.url("https://below.example:443")])])
        try service.publisher.publish(["definitions/a": "one", "extra/c": "two"])
        #expect(try service.status().repositoryError?.contains("missing") == true)
        service.host.fireTimers()
        try await service.run({ (try? service.status().downstreams.first?.state) == .told })
        let status = try service.status()
        #expect(status.mode == "mirroring" && status.upstream == "https://vendor.example:443/r")
        #expect(status.mirror?.state == .idle && status.mirror?.error == nil && status.mirror?.lastSuccess != nil)
        #expect(status.roles.map(\.name) == ["root", "timestamp", "snapshot", "targets", "extra"])
        #expect(status.roles.allSatisfy { $0.version == 1 && $0.secondsLeft > 86_400 })
        #expect(status.targets == 2 && status.bytes == 6)
        #expect(status.downstreams.first?.snapshot == 1)
        let told = try #require(service.host.transfers.last { $0.method == "POST" })
        #expect(told.url == "https://below.example:443/v1/check" && told.expectedPeer == "below.example")
        let message = try #require(service.host.published.first)
        #expect(message.topic == "updates.published")
        #expect(
            try FleetJSON.decode(UpdatesPublished.self, from: message.payload)
                == UpdatesPublished(snapshot: 1, targets: 2))
        let digest = try #require(FileHashes.sha256(of: Array("one".utf8)))
        let file = service.host.exchange(
            FakeRequest("/targets/definitions/\(digest).a"), with: "updates")
        #expect(file.text == "one")
        #expect(service.host.metric("updates_checks_total", ["published"]) == [1])
        #expect((service.host.metric("updates_expiry_seconds", ["timestamp"])?.first ?? 0) > 86_400)
    }

    @Test func whoIsToldOfAPublicationFindsIt() async throws {
        let service = try MirroringService(["downstreams": .list([.url("https://below.example:443")])])
        func timestamp() -> String {
            service.host.exchange(FakeRequest("/metadata/timestamp.json"), with: "updates").text
        }
        for version in 1...2 {
            try service.publisher.publish(["definitions/a": "\(version)"])
            _ = timestamp()
            service.host.fireTimers()
            var seen: String?
            // Until the next look's time is set: it is what the next turn sets off.
            try await service.run({ seen != nil && (try? service.status().mirror?.nextCheck) != nil }) {
                host, transfer, service in
                if transfer.method == "POST" { seen = timestamp() }
                service.serve(transfer)
            }
            #expect(seen?.contains("\"version\":\(version)") == true, "\(seen ?? "")")
        }
    }

    @Test func whatExpiresSoonIsSaidOnceForEachRole() async throws {
        let service = try MirroringService()
        service.publisher.expires = MetadataTime(seconds: MetadataTime.now().seconds + 1800)
        try service.publisher.publish(["definitions/a": "one"])
        service.host.fireTimers()
        try await service.run({ (try? service.status().mirror?.lastSuccess) != nil })
        func warned() -> [String] {
            service.host.logLines.filter { $0.message.hasPrefix("What is served expires soon") }.compactMap {
                $0.level == MUSTER_LOG_WARNING ? $0.fields["role"] : nil
            }
        }
        for _ in 0..<3 {
            service.host.fireTimers()
            service.host.runWork()
        }
        #expect(Set(warned()).isSuperset(of: ["timestamp", "snapshot", "targets"]))
        #expect(Set(warned()).count == warned().count)
    }

    @Test(
        arguments: [
            ("timestamp", 6 * 3600, .good), ("snapshot", 6 * 3600 - 1, .soon), ("timestamp", 3599, .verySoon),
            ("root", 7 * 86_400, .good), ("targets", 7 * 86_400 - 1, .soon), ("extra", 86_399, .verySoon),
            ("root", 1, .verySoon), ("root", 0, .expired), ("timestamp", -5, .expired),
        ] as [(String, Int64, ExpiryWatch.Level)])
    func warningsComeEarlierForWhatPeopleSign(_ role: String, _ secondsLeft: Int64, _ level: ExpiryWatch.Level) {
        #expect(ExpiryWatch.Level(role, secondsLeft: secondsLeft) == level)
    }

    @Test func unreachableUpstreamIsInTheStatusAndTriedAgainWithinAMinute() async throws {
        let service = try MirroringService()
        service.host.fireTimers()
        try await service.run(
            { service.host.timerCount > 1 },
            answer: { host, transfer, _ in
                host.endTransfer(
                    transfer.number, MUSTER_HTTP_NOT_CONNECTED, reason: "Nobody listens there.", retry: true)
            })
        let mirror = try #require(try service.status().mirror)
        #expect(mirror.state == .waiting && mirror.lastSuccess == nil)
        #expect(mirror.error?.cause == "unreachable" && mirror.error?.sentence == "Nobody listens there.")
        #expect(service.host.timerTimes.contains { (30_000_000_000...60_000_000_000).contains($0[0]) && $0[1] == 0 })
        #expect(
            service.host.logLines.contains { $0.level == MUSTER_LOG_WARNING && $0.fields["cause"] == "unreachable" })
    }

    @Test(arguments: [
        nil, "muster:client/6f1f1b1e-0f8b-4d4e-9a57-0d6c3f5b8a11", "muster:admin/anna?role=viewer", "https://other",
    ])
    func onlyTheFleetsOwnMayAskForALook(_ uri: String?) throws {
        let service = try MirroringService()
        #expect(service.check(uri).status == 403)
        #expect(service.host.transfers.isEmpty)
    }

    @Test(arguments: ["muster:server", "muster:distributor/north", "muster:admin/anna?role=operator"])
    func whoMayAskStartsALookAndAnotherIsNotBegunAtOnce(_ uri: String) async throws {
        let service = try MirroringService()
        try service.publisher.publish(["a": "one"])
        let begun = ContinuousClock.now
        let first = service.check(uri)
        #expect(first.status == 202 && first.text.contains("\"started\""))
        #expect(service.check(uri).text.contains("\"joined\""))
        try await service.run({ (try? service.status().mirror?.lastSuccess) != nil && service.host.timerCount > 1 })
        let later = service.check(uri)
        // A machine that took five seconds for all of this may begin another.
        #expect(
            later.status == 202
                && (later.text.contains("\"later\"") || ContinuousClock.now - begun >= Mirror.leastPause))
        #expect(service.check(uri, "GET").status == 405)
    }

    @Test func aServiceThatIsToldToStopEndsItsLookAndItsSuccessorGoesOn() async throws {
        let service = try MirroringService()
        try service.publisher.publish(["a": "one"])
        service.host.fireTimers()
        try await service.run({ !service.host.transfers.isEmpty }, answer: { _, _, _ in })
        try service.host.quiesce()
        try await service.run(
            { service.host.transfers.allSatisfy { $0.isCancelled || $0.hasEnded } }, answer: { _, _, _ in })
        for transfer in service.host.transfers { service.host.endTransfer(transfer.number, MUSTER_HTTP_CANCELLED) }
        #expect(service.check("muster:server").status == 503)
        try await service.run({ (try? service.status().mirror?.state) == .idle })
        // The same component is activated again where the newer one failed.
        try service.host.activate()
        // The look that was ended may have a moment to go: then the next has its own timer.
        try await service.run({
            service.host.fireTimers()
            return (try? service.status().mirror?.lastSuccess) != nil
        })
        #expect(try service.status().targets == 1)
    }

    @Test func aDownstreamThatDoesNotAnswerIsToldAgain() async throws {
        let service = try MirroringService(["downstreams": .list([.url("https://below.example")])])
        try service.publisher.publish(["a": "one"])
        service.host.fireTimers()
        try await service.run(
            { (try? service.status().downstreams.first?.state) == .waiting },
            answer: { host, transfer, service in
                guard transfer.method == "POST" else { return service.serve(transfer) }
                host.sendHead(transfer.number, status: 500)
                host.endTransfer(transfer.number, status: 500)
            })
        #expect(try service.status().downstreams.first?.error?.contains("500") == true)
        try await service.run({
            service.host.fireTimers()
            return (try? service.status().downstreams.first?.state) == .told
        })
        #expect(try service.status().downstreams.first?.error == nil)
        #expect(
            (1...9).map { Downstreams.pause(behind: $0).components.seconds } == [5, 10, 20, 40, 80, 160, 300, 300, 300])
    }

    @Test func upstreamWithoutATrustedRootIsTheOperatorsMistake() throws {
        let publisher = try TestPublisher()
        let host = FakeHost(
            PluginEntry.manifest(of: UpdateServer.self),
            settings: ["repository": .path(publisher.repository), "upstream.url": .url("https://vendor.example")],
            stateDirectory: publisher.folder)
        #expect {
            try host.start()
        } throws: { error in
            (error as? FakeHost.Failure)?.option == "upstream.root"
        }
        host.destroy()
    }

    @Test(arguments: [
        (MUSTER_HTTP_CONNECT_TIMEOUT, "timeout"), (MUSTER_HTTP_STALLED, "timeout"),
        (MUSTER_HTTP_TLS_FAILED, "certificate"), (MUSTER_HTTP_WRONG_PEER, "certificate"),
        (MUSTER_HTTP_REDIRECT_REFUSED, "redirect"), (MUSTER_HTTP_UNRESOLVED, "unreachable"),
        (MUSTER_HTTP_TOO_LARGE, "tooLarge"),
    ])
    func eachEndOfATransferHasItsWord(_ code: muster_http_client_code, _ word: String) async throws {
        let service = try MirroringService()
        service.host.fireTimers()
        try await service.run(
            { service.host.timerCount > 1 },
            answer: { host, transfer, _ in host.endTransfer(transfer.number, code, reason: "It failed.") })
        #expect(try service.status().mirror?.error?.cause == word)
    }

    @Test func loginPageInPlaceOfMetadataIsSaidToBeOne() async throws {
        let service = try MirroringService()
        service.host.fireTimers()
        try await service.run(
            { service.host.timerCount > 1 },
            answer: { host, transfer, _ in
                host.sendHead(transfer.number, status: 200, headers: [("Content-Type", "text/html")])
                host.sendPiece(transfer.number, Array("<html>Log in".utf8))
                host.endTransfer(transfer.number, status: 200, receivedBytes: 12)
            })
        let error = try #require(try service.status().mirror?.error)
        #expect(error.cause == "status" && error.sentence.contains("login page"))
    }

    @Test func pauseThatTheUpstreamAsksForIsKept() async throws {
        let service = try MirroringService()
        service.host.fireTimers()
        try await service.run(
            { service.host.timerCount > 1 },
            answer: { host, transfer, _ in
                host.sendHead(transfer.number, status: 503)
                host.endTransfer(transfer.number, status: 503, retryAfter: 900_000_000_000)
            })
        #expect(try service.status().mirror?.error?.cause == "busy")
        #expect(service.host.timerTimes.contains { (900_000_000_000...960_000_000_000).contains($0[0]) })
    }

    /// A refusal is one, however large the page is that comes with it.
    @Test(arguments: [(404, "missing"), (403, "forbidden"), (503, "busy"), (500, "status")] as [(UInt32, String)])
    func aRefusalWithALargePageIsStillThatRefusal(_ status: UInt32, _ word: String) async throws {
        let service = try MirroringService()
        service.host.fireTimers()
        try await service.run(
            { service.host.timerCount > 1 },
            answer: { host, transfer, _ in
                // The next root is missing, as it should be; the timestamp is refused.
                let isRoot = transfer.url.hasSuffix(".root.json")
                host.sendHead(transfer.number, status: isRoot ? 404 : status)
                host.endTransfer(
                    transfer.number, MUSTER_HTTP_TOO_LARGE, reason: "It is too large.",
                    status: isRoot ? 404 : status, retryAfter: 900_000_000_000)
            })
        #expect(try service.status().mirror?.error?.cause == word)
        if status == 503 {
            #expect(service.host.timerTimes.contains { (900_000_000_000...960_000_000_000).contains($0[0]) })
        }
    }
}

import Fleet
import FoundationEssentials
import MusterABI
import PluginTesting
import SweepEngine
import Testing

@testable import JobHandling
@testable import SweepHandler

@Suite struct SweepHandlerTests {
    /// A handler with definitions that know files with the content "abc" (FIPS 180-4's example).
    private func fixture(
        definitions: String? = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad:3:Abc\n",
        _ settings: [String: Setting] = [:]
    ) throws -> HandlerFixture {
        let folder = FileManager.default.temporaryDirectory.path + "/muster-handler-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/definitions", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder + "/files", withIntermediateDirectories: true)
        if let definitions { try write(definitions, folder + "/definitions/a.hsb") }
        var all = settings
        all["definitions"] = .path(folder + "/definitions")
        return try HandlerFixture(.sweep, roles: ["client"], settings: all, in: folder)
    }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    private func parameters(_ paths: String...) -> JSONValue {
        .object(["paths": .array(paths.map { .string($0) })])
    }

    private func report(_ outcome: Outcome) throws -> SweepReport {
        try #require(outcome.result).decoded(as: SweepReport.self)
    }

    private func standing(_ fixture: HandlerFixture) async throws -> SweepStanding {
        let call = fixture.host.give("sweep.status", "get", from: "PollHandler")
        try await fixture.until("there is a reply") { fixture.host.reply(to: call) != nil }
        return try FleetJSON.decode(from: try #require(fixture.host.reply(to: call)).payload)
    }

    @Test func plantedFileIsFoundReportedAndRemembered() async throws {
        let fixture = try fixture()
        let files = fixture.folder + "/files"
        try write("abc", files + "/planted")
        try write("clean", files + "/clean")
        let outcome = try await fixture.outcome(of: try fixture.run(fixture.offer(parameters(files))))
        #expect(outcome.end == .succeeded && outcome.attempt == 1)
        let found = try report(outcome)
        #expect(found.isComplete && found.coverage.scanned == 2)
        #expect(found.detections.map(\.path) == [files + "/planted"])
        #expect(found.detections.map(\.threat) == ["Abc.UNOFFICIAL"])
        let before = try await standing(fixture)
        #expect(before.openDetections == 1 && before.definitions?.signatures == 1)
        #expect(before.lastSweep?.isFull == false && before.lastSweep?.isComplete == true)
        #expect(before.definitions?.version == found.definitions)
        try await fixture.end(keepingFolder: true)

        // The successor knows it from the disk, and a sweep after the file is gone closes the detection.
        let second = try HandlerFixture(
            .sweep, roles: ["client"], settings: ["definitions": .path(fixture.folder + "/definitions")],
            in: fixture.folder)
        #expect(try await standing(second).lastSweep == before.lastSweep)
        try FileManager.default.removeItem(atPath: files + "/planted")
        _ = try await second.outcome(of: try second.run(second.offer(parameters(files))))
        #expect(try await standing(second).openDetections == 0)
        try await second.end()
    }

    private func test(_ folder: String, _ fixture: HandlerFixture) async throws -> FakeReply {
        let call = fixture.host.give(
            "definitions.test", "test", from: "CommAgent", try FleetJSON.encode(DefinitionsTestOrder(folder: folder)))
        try await fixture.until("the test is answered") { fixture.host.reply(to: call) != nil }
        return try #require(fixture.host.reply(to: call))
    }

    @Test func definitionsAreTestedBeforeTheyAreUsed() async throws {
        let fixture = try fixture()
        let folder = fixture.folder + "/next"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write("20261128.1\n", folder + "/version")
        try write("275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:68:Eicar\n", folder + "/a.hsb")
        try write("rule x {}", folder + "/b.yar")
        let passed = try await test(folder, fixture)
        #expect(passed.status == MUSTER_OK, "\(passed.reason)")
        #expect(
            try FleetJSON.decode(DefinitionsTestResult.self, from: passed.payload)
                == DefinitionsTestResult(version: "20261128.1", signatures: 1, files: ["a.hsb"], untested: ["b.yar"]))
        // Those in use do not find the file of EICAR.
        let useless = try await test(fixture.folder + "/definitions", fixture)
        #expect(useless.status == MUSTER_FAILED && useless.reason.contains("do not find the EICAR test file"))
        let relative = try await test("definitions", fixture)
        #expect(relative.status == MUSTER_FAILED && relative.reason.contains("absolute"))
        try await fixture.end()
    }

    @Test func activatedDefinitionsAreTakenIntoUseThroughTheirLink() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/muster-handler-\(UUID().uuidString)"
        for (name, text) in [
            ("1", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad:3:Abc\n"), ("2", ""),
        ] {
            try FileManager.default.createDirectory(atPath: folder + "/\(name)", withIntermediateDirectories: true)
            try write(name, folder + "/\(name)/version")
            try write(text, folder + "/\(name)/a.hsb")
        }
        let current = folder + "/current"
        try FileManager.default.createSymbolicLink(atPath: current, withDestinationPath: "1")
        let fixture = try HandlerFixture(
            .sweep, roles: ["client"], settings: ["definitions": .path(current)], in: folder)
        _ = try await fixture.outcome(of: try fixture.run(fixture.offer(parameters(folder))))
        #expect(try await standing(fixture).definitions?.version == "1")
        try FileManager.default.removeItem(atPath: current)
        try FileManager.default.createSymbolicLink(atPath: current, withDestinationPath: "2")
        fixture.host.deliver("definitions.activated", from: "CommAgent", [])
        try await fixture.until("the new ones are in use") {
            fixture.host.logLines.contains {
                $0.message == "Sweeps use new definitions." && $0.fields["version"] == "2"
            }
        }
        #expect(try await standing(fixture).definitions?.version == "2")
        try await fixture.end()
    }

    @Test func progressIsPublished() async throws {
        let fixture = try fixture()
        for number in 0..<20 { try write("x", fixture.folder + "/files/\(number)") }
        let offer = fixture.offer(parameters(fixture.folder + "/files"))
        _ = try await fixture.outcome(of: try fixture.run(offer))
        let messages = fixture.host.published.filter { $0.topic == "assignment.progress" }
        // Once a second at most.
        #expect((1...5).contains(messages.count))
        let progress = try FleetJSON.decode(AssignmentProgress.self, from: try #require(messages.first).payload)
        #expect(progress.job == offer.job && progress.progress.path?.hasPrefix(fixture.folder) == true)
        try await fixture.end()
    }

    @Test func sweepWithoutDefinitionsFailsAndSaysWhere() async throws {
        let empty = try fixture(definitions: nil)
        let outcome = try await empty.outcome(of: try empty.run(empty.offer(parameters("/"))))
        #expect(
            outcome.end == .failed && outcome.reason.contains("\(empty.folder)/definitions: there is no file *.hsb"))
        #expect(try await standing(empty).definitions == nil)
        // They come while the component runs.
        try write("", empty.folder + "/definitions/a.hsb")
        let later = try await empty.outcome(of: try empty.run(empty.offer(parameters(empty.folder + "/definitions"))))
        #expect(later.end == .succeeded)
        // And break again.
        try write("x", empty.folder + "/definitions/b.hsb")
        let broken = try await empty.outcome(of: try empty.run(empty.offer(parameters("/"))))
        #expect(broken.end == .failed && broken.reason.contains("/definitions/b.hsb:1:2: "))
        try await empty.end()

        let unset = try HandlerFixture(.sweep, roles: ["client"])
        let refused = try await unset.outcome(of: try unset.run(unset.offer()))
        #expect(refused.end == .failed && refused.reason.contains("option 'definitions'"))
        try await unset.end()
    }

    @Test func parametersAreCheckedAndMissingPathsSaid() async throws {
        let fixture = try fixture()
        for (parameters, part) in [
            (JSONValue.object(["paths": .array([.string("relative")])]), "not absolute"),
            (.object(["paths": .string("/")]), "paths"), (.array([]), "parameters are not what is expected"),
            (.object(["paths": .array([.string("/nonexistent/muster")])]), "No such file or directory"),
        ] {
            let outcome = try await fixture.outcome(of: try fixture.run(fixture.offer(parameters)))
            #expect(outcome.end == .failed && outcome.reason.contains(part), "\(outcome.reason)")
        }
        let partial = try await fixture.outcome(
            of: try fixture.run(fixture.offer(parameters(fixture.folder + "/definitions", "/nonexistent/muster"))))
        #expect(partial.end == .succeeded)
        #expect(try report(partial).isComplete == false)
        try await fixture.end()
    }

    @Test func limitsOfTheConfigurationHold() async throws {
        let fixture = try fixture(["file_limit": .bytes(1024), "exclude": .list([.string("*.iso")])])
        let files = fixture.folder + "/files"
        try write(String(repeating: "x", count: 1025), files + "/large")
        try write("abc", files + "/a.iso")
        let found = try report(try await fixture.outcome(of: try fixture.run(fixture.offer(parameters(files)))))
        #expect(found.coverage.oversize == 1 && found.coverage.excluded == 1 && found.detectionCount == 0)
        try await fixture.end()
    }

    @Test func callerWhoseCallIsMadeAgainJoinsTheWorkUnderWay() async throws {
        let fixture = try fixture()
        let offer = fixture.offer(parameters(fixture.folder + "/files"))
        // Nothing is carried out before the host's work is done: both calls come while it is under way.
        let first = try fixture.run(offer)
        var again = offer
        again.attempt = 2
        let second = try fixture.run(again)
        let outcomes = [try await fixture.outcome(of: first), try await fixture.outcome(of: second)]
        #expect(outcomes.map(\.attempt) == [1, 2] && outcomes[0].result == outcomes[1].result)
        #expect(fixture.host.logLines.allSatisfy { $0.level < MUSTER_LOG_WARNING })
        try await fixture.end()
    }

    @Test func cancelEndsASweepThatWaitsAndOneThatRuns() async throws {
        let fixture = try fixture()
        let offers = (0..<2).map { _ in fixture.offer(parameters(fixture.folder + "/files")) }
        let calls = try offers.map { try fixture.run($0) }
        for offer in offers {
            let cancel = fixture.host.give(
                "job.sweep", "cancel", from: "ClientService", try FleetJSON.encode(FetchOrder(job: offer.job)))
            #expect(fixture.host.reply(to: cancel)?.status == MUSTER_OK)
        }
        for call in calls { #expect(try await fixture.outcome(of: call).end == .cancelled) }
        // What was cancelled stays so.
        #expect(try await fixture.outcome(of: try fixture.run(offers[1])).end == .cancelled)
        let unknown = fixture.host.give(
            "job.sweep", "cancel", from: "ClientService", try FleetJSON.encode(FetchOrder(job: .make())))
        #expect(fixture.host.reply(to: unknown)?.status == MUSTER_OK)
        try await fixture.end()
    }

    @Test func fewWaitAndTheRestIsRefused() async throws {
        let fixture = try fixture()
        let calls = try (0..<6).map { _ in try fixture.run(fixture.offer(parameters(fixture.folder + "/files"))) }
        var ends: [Outcome] = []
        for call in calls { ends.append(try await fixture.outcome(of: call)) }
        #expect(ends.prefix(5).allSatisfy { $0.end == .succeeded })
        #expect(ends[5].end == .failed && ends[5].reason.contains("4 jobs"))
        try await fixture.end()
    }

    @Test func sweepThatIsHandedOverIsLeftToTheSuccessor() async throws {
        let fixture = try fixture()
        let offers = (0..<2).map { _ in fixture.offer(parameters(fixture.folder + "/files")) }
        let calls = try offers.map { try fixture.run($0) }
        try fixture.host.quiesce()
        for _ in 0..<50 {
            fixture.host.runWork()
            try await Task.sleep(for: .milliseconds(1))
        }
        // No outcome: the host says that the calls are lost, and ClientService asks the successor.
        for call in calls { #expect(fixture.host.reply(to: call) == nil) }
        try await fixture.end(keepingFolder: true)
        let second = try HandlerFixture(
            .sweep, roles: ["client"], settings: ["definitions": .path(fixture.folder + "/definitions")],
            in: fixture.folder)
        for offer in offers { #expect(try await second.outcome(of: try second.run(offer)).end == .succeeded) }
        try await second.end()
    }

    @Test func sweepBeginsAnewWhereTheSuccessorFailed() async throws {
        let fixture = try fixture()
        let calls = try (0..<2).map { _ in try fixture.run(fixture.offer(parameters(fixture.folder + "/files"))) }
        try fixture.host.quiesce()
        try fixture.host.activate()
        for call in calls { #expect(try await fixture.outcome(of: call).end == .succeeded) }
        try await fixture.end()
    }

    @Test func cancelThatReachesTheSuccessorFirstHolds() async throws {
        let fixture = try fixture()
        let offer = fixture.offer(parameters(fixture.folder + "/files"))
        fixture.host.give(
            "job.sweep", "cancel", from: "ClientService", try FleetJSON.encode(FetchOrder(job: offer.job)))
        #expect(try await fixture.outcome(of: try fixture.run(offer)).end == .cancelled)
        try await fixture.end()
    }

    @Test func timeThatIsOverEndsASweep() async throws {
        let fixture = try fixture()
        try write("abc", fixture.folder + "/files/a")
        let call = try fixture.run(fixture.offer(parameters(fixture.folder + "/files")))
        // The limit's timer is set once the work has begun; it fires before the walk has its turn.
        for _ in 0..<5000 where fixture.host.timerCount < 2 {
            fixture.host.runOneWork()
            try await Task.sleep(for: .milliseconds(1))
            if fixture.host.timerCount == 2 { break }
        }
        fixture.host.fireTimers()
        let outcome = try await fixture.outcome(of: call)
        #expect(outcome.end == .failed, "\(outcome)")
        #expect(outcome.reason.hasPrefix("It took longer than the 300 seconds that the job allows."))
        try await fixture.end()
    }
}

@Suite struct SweepRecordTests {
    private func result(
        _ roots: [String], _ found: [String: String], stopped: SweepControl.Reason? = nil, count: Int? = nil
    ) -> SweepResult {
        let detections = found.sorted { $0.key < $1.key }.map {
            Detection(path: $0.key, threat: $0.value, severity: .high, sha256: "", size: 1)
        }
        let report = SweepReport(
            paths: roots, startedAt: .now(), finishedAt: .now(), definitions: "1", isComplete: true,
            coverage: SweepCoverage(), detections: detections, detectionCount: count ?? detections.count)
        return SweepResult(
            report: report, stopped: stopped, detections: detections, roots: roots, foundNothing: false)
    }

    @Test func sweepSpeaksForWhatLiesBelowItsPathsAlone() {
        var record = SweepRecord()
        record.add(result(["/"], ["/a/x": "A", "/b/y": "B", "/ab": "C"]))
        #expect(record.openDetections == 3 && record.last?.isFull == true)
        record.add(result(["/a"], [:]))
        #expect(record.open == ["/b/y": "B", "/ab": "C"] && record.last?.isFull == false)
        record.add(result(["/b/y"], ["/b/y": "Other"]))
        #expect(record.open["/b/y"] == "Other")
        record.add(result(["/"], [:]))
        #expect(record.openDetections == 0)
    }

    @Test func sweepThatEndedEarlyClosesNothingAndIsNotTheLast() {
        var record = SweepRecord()
        record.add(result(["/"], ["/a": "A"]))
        let last = record.last
        record.add(result(["/"], ["/b": "B"], stopped: .cancelled))
        #expect(record.open == ["/a": "A", "/b": "B"] && record.last == last)
    }

    @Test func whatThereIsNoRoomForIsStillCounted() throws {
        var record = SweepRecord()
        var found: [String: String] = [:]
        for number in 0..<3000 { found["/x/\(number)"] = "T" }
        record.add(result(["/"], found, count: 20_000))
        #expect(record.open.count == SweepRecord.openLimit && record.openDetections == 20_000)
        #expect(try FleetJSON.decode(SweepRecord.self, from: try FleetJSON.encode(record)) == record)
        record.add(result(["/"], [:]))
        #expect(record.openDetections == 0)
    }
}

import Fleet
import FoundationEssentials
import Testing
import UpdateTrust

@testable import CommAgent

@Suite struct UpdaterTests {
    /// Versions "1" and "2", with a delta that changes the end of main.hsb.
    private func second(_ patch: String? = nil) -> (targets: [String: [UInt8]], custom: [String: JSON]) {
        let (old, new) = (Vendor.definitions("1"), Vendor.definitions("2"))
        let path = "definitions/main.hsb"
        let delta = Vendor.delta(path, from: old[path] ?? [], to: new[path] ?? [])
        var targets = new
        targets[delta.path] = Array((patch ?? "2 2\n").utf8)
        return (targets, [delta.path: delta.custom])
    }

    /// A workstation that has version 1.
    private func workstation(_ vendor: Vendor) async throws -> Workstation {
        let workstation = try Workstation()
        try vendor.publish(Vendor.definitions("1"))
        workstation.transport.serve(vendor)
        let outcome = await (try workstation.process(vendor)).check()
        #expect(outcome == .done)
        #expect(try workstation.version() == "1")
        return workstation
    }

    @Test func firstVersionIsActivatedAndSaid() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        let folder = workstation.folder + "/definitions/sets/1-1"
        #expect(
            workstation.surroundings.events == [
                .activated(DefinitionsActivated(version: "1", folder: folder, signatures: 40_000))
            ])
        #expect(
            workstation.surroundings.lines.contains { $0.hasPrefix("notice: Definitions 1 are active: 40,000 sign") })
        // A new process asks for the next root and the timestamp, and for nothing else.
        workstation.transport.forget()
        let updater = try await workstation.process(vendor)
        let outcome = await updater.check()
        #expect(outcome == .done)
        #expect(
            workstation.transport.requests == ["http://one/metadata/2.root.json", "http://one/metadata/timestamp.json"])
        let standing = await updater.standing()
        #expect(standing.definitions == "1" && standing.snapshot == 1 && standing.error == nil)
        #expect(standing.source == "http://one" && standing.lastSuccess != nil && standing.state == "idle")
        #expect(workstation.surroundings.events.count == 1)
    }

    @Test func secondVersionComesByDelta() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        let (targets, custom) = second()
        try vendor.publish(targets, custom: custom)
        workstation.transport.serve(vendor)
        workstation.transport.forget()
        let updater = try await workstation.process(vendor)
        let outcome = await updater.check()
        #expect(outcome == .done)
        #expect(try workstation.version() == "2")
        #expect(try workstation.store.previousSet()?.version == "1")
        #expect(!workstation.transport.requests.contains { $0.hasSuffix(".main.hsb") })
        let standing = await updater.standing()
        #expect(standing.deltaBytes == 4)
        #expect(workstation.surroundings.lines.contains { $0.contains("by a delta of 4 bytes instead of 4.4 KB") })
        #expect(try workstation.names("definitions/.staging") == [])
    }

    @Test(arguments: ["2 3\n", "rubbish", "0 \(String(repeating: "x", count: 3000))"])
    func deltaThatLiesIsReplacedByTheWholeFile(_ patch: String) async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        let (targets, custom) = second(patch)
        try vendor.publish(targets, custom: custom)
        workstation.transport.serve(vendor)
        let outcome = await (try workstation.process(vendor)).check()
        #expect(outcome == .done)
        #expect(try workstation.version() == "2")
        #expect(workstation.transport.requests.contains { $0.hasSuffix(".main.hsb") })
        #expect(workstation.surroundings.lines.contains { $0.hasPrefix("warning: A delta was of no use") })
    }

    @Test func forgedVersionIsRefusedAndStatusSaysWhy() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        // Another vendor's, of higher versions: everything in it is signed, by nobody whom this workstation knows.
        let forger = try Vendor()
        for version in 1...3 { try forger.publish(Vendor.definitions("forged-\(version)")) }
        workstation.transport.state.withLock { $0.files["http://one"]?["metadata/timestamp.json"] = [] }
        let forged = forger.files.filter { $0.key != "metadata/1.root.json" }
        workstation.transport.state.withLock { $0.files["http://one"]?.merge(forged) { $1 } }
        let updater = try await workstation.process(vendor)
        let outcome = await updater.check()
        #expect(outcome == .failed)
        #expect(try workstation.version() == "1")
        let error = try #require(await updater.standing().error)
        #expect(error.cause == "unsigned" && error.role == "timestamp")
        #expect(try workstation.names("definitions/.staging") == [])
    }

    @Test func olderRepositoryIsRefusedAsARollback() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        let old = vendor.files
        try vendor.publish(Vendor.definitions("2"))
        workstation.transport.serve(vendor)
        _ = await (try workstation.process(vendor)).check()
        workstation.transport.state.withLock { $0.files["http://one"] = old }
        let updater = try await workstation.process(vendor)
        let outcome = await updater.check()
        #expect(outcome == .failed)
        #expect(await updater.standing().error?.cause == "rollback")
        #expect(try workstation.version() == "2")
    }

    @Test func rejectedSetIsReportedAndNotTriedAgain() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        try vendor.publish(Vendor.definitions("2"))
        workstation.transport.serve(vendor)
        workstation.surroundings.answer(.failed("they do not find the EICAR test file"))
        _ = await (try workstation.process(vendor)).check()
        #expect(try workstation.version() == "1")
        #expect(
            workstation.surroundings.events.last
                == .rejected(DefinitionsRejected(version: "2", reason: "they do not find the EICAR test file")))
        // A later snapshot with the same set, and another process.
        try vendor.publish(Vendor.definitions("2"))
        workstation.transport.serve(vendor)
        workstation.transport.forget()
        let updater = try await workstation.process(vendor)
        _ = await updater.check()
        #expect(workstation.surroundings.state.withLock { $0.tested.count } == 2)
        #expect(!workstation.transport.requests.contains { $0.contains("/targets/") })
        #expect(await updater.standing().error?.sentence.contains("EICAR") == true)
        // The next one is.
        try vendor.publish(Vendor.definitions("3"))
        workstation.transport.serve(vendor)
        _ = await updater.check()
        #expect(try workstation.version() == "3")
        #expect(await updater.standing().error == nil)
    }

    @Test func setWaitsForItsTestAndIsNotFetchedTwice() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        try vendor.publish(Vendor.definitions("2"))
        workstation.transport.serve(vendor)
        workstation.surroundings.answer(.absent("nobody serves 'definitions.test'"))
        let updater = try await workstation.process(vendor)
        let first = await updater.check()
        #expect(first == .waiting)
        #expect(try workstation.version() == "1")
        let standing = await updater.standing()
        #expect(standing.state == "waiting" && standing.error?.sentence.contains("nobody serves") == true)
        workstation.transport.forget()
        let second = await updater.check()
        #expect(second == .done)
        #expect(try workstation.version() == "2")
        #expect(!workstation.transport.requests.contains { $0.contains("/targets/") })
    }

    @Test func setWhoseTestIsLostAgainAndAgainIsRejected() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        try vendor.publish(Vendor.definitions("2"))
        workstation.transport.serve(vendor)
        let lost = Activation.Verdict.lost("the worker ended")
        workstation.surroundings.answer(lost, lost, lost)
        for expected in [Updater.Outcome.waiting, .waiting, .done] {
            let outcome = await (try workstation.process(vendor)).check()
            #expect(outcome == expected)
        }
        #expect(try workstation.version() == "1")
        #expect(workstation.surroundings.events.count == 2)
    }

    @Test func setThatWasGoneBackFromIsNotActivatedAgainUntilTheNext() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        try vendor.publish(Vendor.definitions("2"))
        workstation.transport.serve(vendor)
        let updater = try await workstation.process(vendor)
        _ = await updater.check()
        let (from, to) = try workstation.store.rollBack()
        #expect(from.version == "2" && to.version == "1")
        #expect(try workstation.version() == "1")
        await updater.notice()
        #expect(
            workstation.surroundings.events.last
                == .activated(
                    DefinitionsActivated(
                        version: "1", folder: workstation.folder + "/definitions/sets/1-1", signatures: 40_000)))
        _ = await updater.check()
        #expect(try workstation.version() == "1")
        #expect(await updater.standing().error?.cause == "rolled_back")
        try vendor.publish(Vendor.definitions("3"))
        workstation.transport.serve(vendor)
        _ = await updater.check()
        #expect(try workstation.version() == "3")
        #expect(try workstation.store.rolledBack() == nil)
        // One previous set is kept, and no other.
        #expect(try workstation.names("definitions/sets") == ["1-1", "3-3"])
    }

    @Test func downloadGoesOnWhereItEnded() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        try vendor.publish(Vendor.definitions("2"))
        workstation.transport.serve(vendor)
        workstation.transport.state.withLock { $0.cuts[".main.hsb"] = 1000 }
        let first = await (try workstation.process(vendor)).check()
        #expect(first == .failed)
        let second = await (try workstation.process(vendor)).check()
        #expect(second == .done)
        #expect(try workstation.version() == "2")
        let offsets = workstation.transport.state.withLock { $0.offsets.filter { $0.url.hasSuffix(".main.hsb") } }
        #expect(offsets.map(\.offset).suffix(2) == [0, 1000])
    }

    @Test(arguments: [
        ("definitions/sub/main.hsb", "not a file directly in"), ("definitions/.hidden", "begins with a dot"),
        ("definitions/../../x", "lead out of its folder"), ("definitions//x", "lead out"),
    ]) func setWithAnUnsafePathIsRefusedWhole(_ path: String, _ part: String) async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        var targets = Vendor.definitions("2")
        targets[path] = [1]
        try vendor.publish(targets)
        workstation.transport.serve(vendor)
        let updater = try await workstation.process(vendor)
        let outcome = await updater.check()
        #expect(outcome == .failed)
        let error = try #require(await updater.standing().error)
        #expect(error.cause == "unsafePath" && error.sentence.contains(part), "\(error.sentence)")
        #expect(try workstation.version() == "1")
        #expect(try workstation.names("definitions/.staging") == [])
    }

    @Test func oversizedSetAndEndlessFileAreRefused() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        try vendor.publish(Vendor.definitions("2", lines: 1000))
        workstation.transport.serve(vendor)
        workstation.transport.forget()
        let small = try await workstation.process(vendor, limits: .init(setSize: 10_000))
        let first = await small.check()
        #expect(first == .failed)
        #expect(await small.standing().error?.cause == "tooLarge")
        #expect(!workstation.transport.requests.contains { $0.contains("/targets/") })
        // More than was signed.
        try vendor.publish(Vendor.definitions("3"), lengths: ["definitions/main.hsb": 100])
        workstation.transport.serve(vendor)
        let updater = try await workstation.process(vendor)
        let second = await updater.check()
        #expect(second == .failed)
        #expect(await updater.standing().error?.cause == "tooLarge")
        #expect(try workstation.version() == "1")
    }

    @Test func fullDiskLeavesTheOldSetAndIsSaid() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        try vendor.publish(Vendor.definitions("2"))
        workstation.transport.serve(vendor)
        workstation.transport.state.withLock { $0.systemError = 28 }
        let updater = try await workstation.process(vendor)
        let outcome = await updater.check()
        #expect(outcome == .failed)
        #expect(await updater.standing().error?.sentence.contains("No space left") == true)
        #expect(try workstation.version() == "1")
        #expect(try workstation.names("definitions/.staging") == [])
    }

    @Test func anotherDistributorIsAskedAndTheBadOneIsLeft() async throws {
        let vendor = try Vendor()
        let workstation = try Workstation()
        try vendor.publish(Vendor.definitions("1"))
        let bases = ["http://a", "http://b", "http://c"]
        for base in bases + ["http://company"] { workstation.transport.serve(vendor, at: base) }
        let updater = try await workstation.process(vendor, distributors: bases, companyServer: "http://company/")
        _ = await updater.check()
        let favourite = try #require(await updater.standing().source)
        #expect(bases.contains(favourite))
        workstation.transport.state.withLock { $0.broken[favourite] = TransportFailure(.timeout, "it stalls") }
        try vendor.publish(Vendor.definitions("2"))
        for base in bases + ["http://company"] { workstation.transport.serve(vendor, at: base) }
        let outcome = await updater.check()
        #expect(outcome == .done)
        #expect(try workstation.version() == "2")
        workstation.transport.forget()
        _ = await updater.check()
        #expect(!workstation.transport.requests.contains { $0.hasPrefix(favourite) })
        // The company server comes last.
        for base in bases {
            workstation.transport.state.withLock { $0.broken[base] = TransportFailure(.unreachable, "nobody") }
        }
        workstation.transport.forget()
        let last = await updater.check()
        #expect(last == .done)
        #expect(workstation.transport.requests.last?.hasPrefix("http://company/metadata/") == true)
    }

    @Test func distributorThatIsBehindIsNotTheLastToBeAsked() async throws {
        let vendor = try Vendor()
        let workstation = try Workstation()
        let bases = ["http://a", "http://b"]
        try vendor.publish(Vendor.definitions("1"))
        for base in bases { workstation.transport.serve(vendor, at: base) }
        let updater = try await workstation.process(vendor, distributors: bases)
        _ = await updater.check()
        let favourite = try #require(await updater.standing().source)
        try vendor.publish(Vendor.definitions("2"))
        for base in bases where base != favourite { workstation.transport.serve(vendor, at: base) }
        _ = await updater.check()
        #expect(try workstation.version() == "1")
        let outcome = await updater.check(wanting: 2)
        #expect(outcome == .done)
        #expect(try workstation.version() == "2")
        // Where nobody has it, what there is stays.
        let vain = await updater.check(wanting: 3)
        #expect(vain == .behind)
        #expect(try workstation.version() == "2")
    }

    @Test func damagedRecordOfTheSetInUseIsRepairedByTheNextCheck() async throws {
        let vendor = try Vendor()
        let workstation = try await workstation(vendor)
        try Data().write(to: URL(filePath: workstation.folder + "/definitions/current/.set"))
        let outcome = await (try workstation.process(vendor)).check()
        #expect(outcome == .done)
        #expect(try workstation.version() == "1")
    }

    @Test func secondProcessWaitsForTheFirst() async throws {
        let vendor = try Vendor()
        let workstation = try Workstation()
        try vendor.publish(Vendor.definitions("1"))
        workstation.transport.serve(vendor)
        let first = try DefinitionsStore(folder: workstation.store.folder).beginUpdate()
        let updater = try await workstation.process(vendor)
        let outcome = await updater.check()
        #expect(outcome == .waiting)
        #expect(workstation.transport.requests.isEmpty)
        #expect(await updater.standing().error?.cause == "locked")
        first.release()
        let second = await updater.check()
        #expect(second == .done)
        #expect(try workstation.version() == "1")
    }

    @Test func processThatEndsAfterAnyStepLeavesOldOrNewAndItsSuccessorFinishes() async throws {
        var steps = 0
        var interrupted = true
        while interrupted {
            steps += 1
            let vendor = try Vendor()
            let workstation = try await workstation(vendor)
            let (targets, custom) = second()
            try vendor.publish(targets, custom: custom)
            workstation.transport.serve(vendor)
            let outcome = await (try workstation.process(vendor, fuse: Workstation.Fuse(steps))).check()
            interrupted = outcome == .stopped
            let version = try workstation.version()
            #expect(version == "1" || version == "2", "after \(steps) steps")
            let finished = await (try workstation.process(vendor)).check()
            #expect(finished == .done, "after \(steps) steps")
            #expect(try workstation.version() == "2", "after \(steps) steps")
            // Whoever listens has been told, by one process or the other.
            #expect(
                workstation.surroundings.events.contains {
                    if case .activated(let event) = $0 { event.version == "2" } else { false }
                }, "after \(steps) steps")
            #expect(try workstation.names("definitions/sets").count <= 2)
            #expect(steps < 100)
        }
        #expect(steps > 10)
    }

    @Test func rollbackThatEndsAfterAnyStepLeavesAWholeSet() async throws {
        for steps in 1...6 {
            let vendor = try Vendor()
            let workstation = try await workstation(vendor)
            try vendor.publish(Vendor.definitions("2"))
            workstation.transport.serve(vendor)
            _ = await (try workstation.process(vendor)).check()
            let fuse = Workstation.Fuse(steps)
            let ended = try? DefinitionsStore(folder: workstation.store.folder, reached: fuse.reached).rollBack()
            let version = try workstation.version()
            #expect(version == "1" || version == "2")
            if ended != nil { #expect(version == "1") }
            // What was gone back from does not come again by itself.
            _ = await (try workstation.process(vendor)).check()
            #expect(try workstation.version() == version)
        }
    }
}

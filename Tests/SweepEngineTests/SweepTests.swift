import Files
import Fleet
import Glibc
import Locks
import Testing

@testable import SweepEngine

@Suite struct SweepTests {
    /// Judges by content without hashing, and does to files what a test asks for while they are open.
    private struct TestEngine: SweepEngine {
        var version = "test"
        var signatureCount = 1
        var date: Timestamp?
        var meanwhile: @Sendable (_ content: [UInt8]) throws(JudgementFailure) -> Void = { _ in }

        func judge(
            _ descriptor: CInt, _ facts: FileFacts, _ watch: ReadWatch
        ) throws(JudgementFailure) -> Judgement {
            var content = [UInt8](repeating: 0, count: Int(facts.size))
            let got = read(descriptor, &content, content.count)
            guard got >= 0 else { throw .unreadable(errno) }
            try watch.read(got)
            try meanwhile(content)
            let isBad = content.starts(with: "bad".utf8)
            return Judgement(sha256: content, threat: isBad ? Threat(name: "Bad") : nil)
        }
    }

    private func sweep(
        _ folder: ScratchFolder, _ rules: SweepRules = SweepRules(), control: SweepControl = SweepControl(),
        meanwhile: @escaping @Sendable ([UInt8]) throws(JudgementFailure) -> Void = { _ in }
    ) -> SweepResult {
        let result = Sweep(engine: TestEngine(meanwhile: meanwhile), rules: rules, control: control).run([folder.path])
        #expect(result.report.coverage.sum == result.report.coverage.seen)
        return result
    }

    // MARK: What is found

    @Test func eicarIsFoundByItsDigest() throws {
        let folder = try ScratchFolder()
        folder.makeFolder("definitions")
        folder.makeFolder("deep")
        // EICAR's test file, in two halves so that no scanner takes this source for it.
        folder.write("deep/eicar.com", #"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD"# + "-ANTIVIRUS-TEST-FILE!$H+H*")
        folder.write("deep/clean", "nothing to see")
        folder.write(
            "definitions/a.hsb",
            "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:68:Eicar-Test-Signature\n")
        let engine = try DefinitionsFolder(folder.path + "/definitions").load().engine
        let report = Sweep(engine: engine).run([folder.path]).report
        #expect(report.isComplete && report.reasons.isEmpty)
        #expect(report.coverage.scanned == 3 && report.coverage.seen == 3)
        #expect(report.definitions == engine.version)
        #expect(
            report.detections == [
                Detection(
                    path: folder.path + "/deep/eicar.com", threat: "Eicar-Test-Signature.UNOFFICIAL", severity: .high,
                    sha256: "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f", size: 68)
            ])
    }

    @Test func randomTreeIsCountedToTheLastFile() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5 {
            let folder = try ScratchFolder()
            var folders = [""]
            var expected = SweepCoverage()
            var bad = 0
            for number in 0..<300 {
                let parent = folders.randomElement(using: &generator) ?? ""
                let name = "\(parent)n\(number)"
                switch Int.random(in: 0..<10, using: &generator) {
                case 0, 1:
                    folder.makeFolder(name)
                    folders.append(name + "/")
                case 2:
                    #expect(mkfifo("\(folder.path)/\(name)", 0o600) == 0)
                    expected.special += 1
                case 3: #expect(symlink("/", "\(folder.path)/\(name)") == 0)
                case 4:
                    folder.write(name + ".skip", "bad")
                    expected.excluded += 1
                case 5:
                    folder.write(name, [UInt8](repeating: 1, count: 101))
                    expected.oversize += 1
                case 6:
                    folder.write(name, "bad \(number)")
                    expected.bytes += Int64("bad \(number)".utf8.count)
                    expected.scanned += 1
                    bad += 1
                case 7:
                    folder.write(name, "twice")
                    #expect(link("\(folder.path)/\(name)", "\(folder.path)/\(name)-again") == 0)
                    expected.scanned += 1
                    expected.bytes += 5
                default:
                    folder.write(name, "")
                    expected.scanned += 1
                }
            }
            expected.seen = expected.sum
            let result = sweep(folder, SweepRules(exclusions: ["*.skip"], fileLimit: 100))
            #expect(result.report.coverage == expected)
            #expect(result.report.detectionCount == bad)
            #expect(result.report.isComplete == (expected.oversize == 0))
        }
    }

    // MARK: Hostile trees

    @Test func linksAreNotFollowedAndLoopsEnd() throws {
        let folder = try ScratchFolder()
        folder.makeFolder("a")
        folder.write("a/file", "x")
        #expect(symlink("..", "\(folder.path)/a/up") == 0)
        #expect(symlink("self", "\(folder.path)/self") == 0)
        #expect(symlink("/etc", "\(folder.path)/etc") == 0)
        let report = sweep(folder).report
        #expect(report.coverage.seen == 1 && report.coverage.scanned == 1 && report.isComplete)
    }

    @Test func fifoAndSocketNeverBlock() throws {
        let folder = try ScratchFolder()
        #expect(mkfifo("\(folder.path)/fifo", 0o600) == 0)
        let report = sweep(folder).report
        #expect(report.coverage.special == 1 && report.coverage.seen == 1 && report.isComplete)
    }

    @Test func fileThatBecameAFIFOAfterItWasListedDoesNotBlock() throws {
        let folder = try ScratchFolder()
        folder.write("a", "1")
        folder.write("b", "2")
        // Whichever comes first turns the other into a FIFO.
        let report = sweep(folder) { content in
            let other = "\(folder.path)/\(content == Array("1".utf8) ? "b" : "a")"
            unlink(other)
            mkfifo(other, 0o600)
        }.report
        #expect(report.coverage.scanned == 1 && report.coverage.special == 1 && report.coverage.seen == 2)
    }

    @Test func pathOfFiveThousandFoldersIsWalkedWithFewDescriptors() throws {
        let folder = try ScratchFolder()
        var current = open(folder.path, O_RDONLY | O_DIRECTORY)
        for level in 0..<5000 {
            #expect(mkdirat(current, "d", 0o755) == 0)
            // A second folder on some levels, so that the walk has to come back up there.
            if level % 500 == 0 { #expect(mkdirat(current, "e", 0o755) == 0) }
            let next = openat(current, "d", O_RDONLY | O_DIRECTORY)
            if level % 500 == 0 {
                let side = openat(current, "e", O_RDONLY | O_DIRECTORY)
                close(openat(side, "side", O_WRONLY | O_CREAT, 0o600))
                close(side)
            }
            close(current)
            current = next
        }
        let file = openat(current, "bottom", O_WRONLY | O_CREAT, 0o600)
        #expect(write(file, "bad", 3) == 3)
        close(file)
        close(current)

        let result = sweep(folder)
        #expect(result.report.coverage.scanned == 11 && result.report.isComplete, "\(result.report.reasons)")
        #expect(result.report.detections.count == 1)
        #expect(result.report.detections.first?.path.hasSuffix("/d/d/bottom") == true)
        #expect((result.report.detections.first?.path.utf8.count ?? 0) <= DisplayPath.limit + 3)
    }

    @Test func folderThatIsMovedWhileTheWalkIsBelowItIsNotTakenForAnother() throws {
        let folder = try ScratchFolder()
        // The walk goes down 100 folders, so that those above are closed by then; at the bottom the fifth moves away.
        var name = ""
        for level in 0..<100 {
            name += level == 0 ? "d" : "/d"
            folder.makeFolder(name)
            folder.makeFolder(name + "-side")
        }
        folder.write(name + "/bottom", "now")
        let moved = "\(folder.path)/d/d/d/d/d"
        let outside = try ScratchFolder()
        let result = sweep(folder) { content in
            guard content == Array("now".utf8) else { return }
            rename(moved, outside.path + "/moved")
            mkdir(moved, 0o755)
        }
        // What was moved is still gone through, since the walk holds it; nothing traps or loops.
        #expect(result.report.coverage.scanned == 1)
        #expect(result.report.coverage.sum == result.report.coverage.seen)
    }

    @Test func folderRemovedUnderTheWalkIsNoTrouble() throws {
        let folder = try ScratchFolder()
        folder.write("first", "go")
        folder.makeFolder("sub")
        folder.makeFolder("sub/inner")
        folder.write("sub/inner/file", "x")
        // The files of a folder come before its folders.
        let report = sweep(folder) { content in
            guard content == Array("go".utf8) else { return }
            unlink("\(folder.path)/sub/inner/file")
            rmdir("\(folder.path)/sub/inner")
            rmdir("\(folder.path)/sub")
        }.report
        #expect(report.coverage.scanned == 1 && report.coverage.seen == 1 && report.isComplete)
    }

    @Test func nameThatIsNotUTF8IsReportedRepaired() throws {
        let folder = try ScratchFolder()
        let name = Array("\(folder.path)/x".utf8) + [0xFF, 0x0A]
        let descriptor = name.withCString { open($0, O_WRONLY | O_CREAT, 0o600) }
        #expect(write(descriptor, "bad", 3) == 3)
        close(descriptor)
        let report = sweep(folder).report
        #expect(report.detections.map(\.path) == ["\(folder.path)/x\u{FFFD}\n"])
    }

    // MARK: Files that change

    @Test func fileReplacedWhileOpenIsReadAgainAndItsNewContentJudged() throws {
        let folder = try ScratchFolder()
        folder.write("a", "old")
        let report = sweep(folder) { content in
            guard content == Array("old".utf8) else { return }
            folder.write(".new", "bad")
            rename("\(folder.path)/.new", "\(folder.path)/a")
        }.report
        #expect(report.detections.map(\.path) == [folder.path + "/a"])
        #expect(report.coverage.scanned == 1 && report.coverage.seen == 1 && report.isComplete)
    }

    @Test func fileThatChangesEachTimeCountsAsChanged() throws {
        let folder = try ScratchFolder()
        folder.write("log", "1")
        let report = sweep(folder) { content in folder.write("log", content + Array("1".utf8)) }.report
        #expect(report.coverage.changed == 1 && report.coverage.scanned == 0 && report.coverage.seen == 1)
        #expect(!report.isComplete && report.reasons == ["1 file changed while being read, twice."])
    }

    @Test func fileThatGrowsAsItIsReadIsGivenUp() throws {
        let folder = try ScratchFolder()
        folder.write("log", "1234")
        let file = try FileDescriptor.openForReading(at: AT_FDCWD, Array("\(folder.path)/log".utf8))
        #expect(throws: JudgementFailure.changed) {
            try FileHasher.digest(file.number, size: 3, ReadWatch { _ in true })
        }
    }

    @Test func unreadableFilesAreCountedWithTheirReasons() throws {
        let folder = try ScratchFolder()
        for name in ["a", "b", "c"] { folder.write(name, name) }
        let report = sweep(folder) { content throws(JudgementFailure) in
            throw content == Array("b".utf8) ? .engine("it broke") : .unreadable(EIO)
        }.report
        #expect(report.coverage.unreadable == 2 && report.coverage.engineErrors == 1 && report.coverage.seen == 3)
        #expect(report.reasons.count == 2 && !report.isComplete)
        #expect(report.reasons[0].contains("2 files or folders could not be read: Input/output error (2)"))
        #expect(report.reasons[1].contains("\(folder.path)/b: it broke"))
    }

    // MARK: What ends a sweep and what it says

    @Test func cancelledSweepEndsAtTheNextFile() throws {
        let folder = try ScratchFolder()
        for number in 0..<50 { folder.write("f\(number)", "x") }
        let control = SweepControl()
        let result = sweep(folder, control: control) { _ in control.stop(.cancelled) }
        #expect(result.stopped == .cancelled)
        #expect(result.report.coverage.scanned == 1 && result.report.coverage.seen == 1)
        #expect(!result.report.isComplete && result.report.reasons == ["It was cancelled before its end."])
    }

    @Test func cancelEndsALargeFileAtTheNextPiece() throws {
        let folder = try ScratchFolder()
        folder.write("large", [UInt8](repeating: 1, count: 1 << 20))
        folder.write("a.hsb", "")
        let engine = try DefinitionsFolder(folder.path).load().engine
        let control = SweepControl()
        let seen = Told()
        let sweep = Sweep(engine: engine, rules: SweepRules(progressInterval: .zero), control: control) { progress in
            seen.add(progress)
            if progress.bytes ?? 0 > 0 { control.stop(.cancelled) }
        }
        let result = sweep.run([folder.path + "/large"])
        #expect(result.report.coverage.seen == 0 && result.stopped == .cancelled)
        #expect(seen.all.last?.bytes == FileHasher.bufferSize && seen.all.last?.path == folder.path + "/large")
    }

    @Test func deadlineEndsASweep() throws {
        let folder = try ScratchFolder()
        folder.write("a", "x")
        let result = sweep(folder, control: SweepControl(deadline: SuspendingClock.now))
        #expect(result.stopped == .outOfTime && result.report.coverage.seen == 0)
        #expect(result.report.reasons == ["Its time was over before its end."])
    }

    @Test func reportOfManyDetectionsStaysBelowItsLimit() throws {
        let folder = try ScratchFolder()
        // Names that JSON writes six times as long.
        for number in 0..<1500 { folder.write("\(number)" + String(repeating: "\u{1}", count: 100), "bad") }
        let result = sweep(folder)
        let size = try FleetJSON.encode(result.report).count
        #expect(size <= SweepRules.largestReport && size > SweepRules.largestReport - 2000)
        #expect(result.report.detectionCount == 1500 && result.detections.count == 1500)
        #expect(result.report.detections.count < 300)
    }

    @Test func missingPathsMakeASweepPartialAndNoneAtAllNothing() throws {
        let folder = try ScratchFolder()
        folder.write("a", "x")
        let sweep = Sweep(engine: TestEngine())
        let partial = sweep.run([folder.path, folder.path + "/none"])
        #expect(!partial.foundNothing && !partial.report.isComplete)
        #expect(partial.report.reasons == ["\(folder.path)/none: No such file or directory."])
        let nothing = sweep.run(["/nonexistent/a", "/nonexistent/b"])
        #expect(nothing.foundNothing && nothing.report.reasons.count == 2)
    }

    @Test func pathBelowAnotherAndFileByNameAreLookedAtOnce() throws {
        let folder = try ScratchFolder()
        folder.makeFolder("a")
        folder.write("a/x", "x")
        folder.makeFolder("ab")
        folder.write("ab/y", "y")
        let report = Sweep(engine: TestEngine()).run([folder.path + "/a", folder.path + "/a/x", folder.path + "/ab/y"])
            .report
        #expect(report.coverage.scanned == 2 && report.isComplete)
    }

    @Test func kernelFileSystemsAreNotEntered() {
        let result = Sweep(engine: TestEngine()).run(["/proc"])
        #expect(result.report.coverage.excluded == 1 && result.report.coverage.seen == 1)
        #expect(result.report.reasons.first?.contains("/proc: it is on a file system of the kernel's") == true)
        #expect(FileSystemKind(magic: 0x6969) == .network && FileSystemKind(magic: 0xEF53) == .local)
    }

    @Test func excludedFolderIsNotEnteredAndCountsAsOne() throws {
        let folder = try ScratchFolder()
        folder.makeFolder("skip")
        folder.write("skip/a", "bad")
        folder.write("skip/b", "bad")
        let report = sweep(folder, SweepRules(exclusions: [folder.path + "/sk*"])).report
        #expect(report.coverage.excluded == 1 && report.coverage.seen == 1 && report.isComplete)
    }

    @Test func parametersAreChecked() throws {
        #expect(try SweepParameters().checkedPaths() == ["/"])
        #expect(try SweepParameters(paths: []).checkedPaths() == ["/"])
        #expect(try SweepParameters(paths: ["/a", "/b"]).checkedPaths() == ["/a", "/b"])
        for paths in [
            ["a"], ["/a", ""], ["/a\u{0}b"], Array(repeating: "/a", count: 33),
            ["/" + String(repeating: "x", count: 9000)],
        ] {
            #expect(throws: SweepRefusal.self) { try SweepParameters(paths: paths).checkedPaths() }
        }
    }

    /// Progress that was told, in order.
    private final class Told: Sendable {
        private let progress = Locked<[Progress]>([])
        var all: [Progress] { progress.withLock { $0 } }
        func add(_ one: Progress) { progress.withLock { $0.append(one) } }
    }
}

import Glibc
import Testing

@testable import MusterBench

@Suite struct ProcessTests {
    private func withScratch(_ body: (Scratch) throws -> Void) throws {
        let parent = "/var/tmp/muster-bench-tests-\(monotonicNow())"
        try Files.makeDirectory(parent)
        defer { Files.remove(parent) }
        try body(Scratch(under: parent))
    }

    @Test func childTellsItsExitStatusOrSignal() throws {
        try withScratch { scratch in
            let failing = try Child(["sh", "-c", "exit 7"], output: "\(scratch.path)/a")
            #expect(try failing.waitForExit(within: 10) == 7)
            let killed = try Child(["sleep", "60"], output: "\(scratch.path)/b")
            kill(killed.pid, SIGKILL)
            #expect(try killed.waitForExit(within: 10) == -SIGKILL)
        }
    }

    @Test func stoppedChildIsGone() throws {
        try withScratch { scratch in
            let child = try Child(["sleep", "60"], output: "\(scratch.path)/a")
            #expect(!ProcessFacts.hasEnded(child.pid))
            child.stop()
            #expect(ProcessFacts.hasEnded(child.pid))
        }
    }

    @Test func missingProgramIsAnErrorThatNamesIt() throws {
        try withScratch { scratch in
            let error = #expect(throws: BenchError.self) {
                try Child(["no-such-program-of-muster"], output: "\(scratch.path)/a")
            }
            #expect(error?.description.contains("no-such-program-of-muster") == true)
        }
    }

    @Test func failedCommandShowsWhatItSaid() throws {
        try withScratch { scratch in
            let error = #expect(throws: BenchError.self) {
                try Child.output(of: ["sh", "-c", "echo why; exit 3"], seconds: 10, scratch: scratch)
            }
            #expect(error?.description.contains("why") == true)
            #expect(error?.description.contains("3") == true)
        }
    }

    @Test func factsOfThisProcessAreFound() throws {
        #expect(try #require(ProcessFacts.processorNanoseconds(getpid())) > 0)
        #expect(try #require(ProcessFacts.memory(getpid(), "Rss")) > 1_000_000)
        #expect(ProcessFacts.state(getpid()) != "Z")
        #expect(ProcessFacts.processorNanoseconds(0) == nil)
    }

    @Test func removingAFolderDoesNotFollowLinks() throws {
        try withScratch { scratch in
            let kept = try scratch.folder("kept")
            try Files.write("x", to: "\(kept)/file")
            let removed = try scratch.folder("removed")
            #expect(symlink(kept, "\(removed)/link") == 0)
            Files.remove(removed)
            #expect(Files.text("\(kept)/file") == "x")
            #expect(access(removed, F_OK) != 0)
        }
    }

    @Test func portsAreFreeAndNeverGivenTwice() throws {
        let ports = PortChoice()
        let given = try (0..<20).map { _ in try ports.next() }
        #expect(Set(given).count == 20)
        #expect(given.allSatisfy { Endpoint(port: $0).isFree })
    }
}

import CLinux
import ControlProtocol
import Glibc
import Testing

@testable import Supervisor

/// Serialized: one of them counts this process's descriptors.
@Suite(.serialized) struct SpawnerTests {
    /// Runs a shell script as a worker would be run, until it ends.
    private func run(_ script: String, environment: [String: String] = [:]) throws -> (ExitStatus, [String]) {
        var spawner = Spawner()
        spawner.path = "/bin/sh"
        spawner.arguments = ["sh", "-c", script]
        let child = try spawner.spawn(environment: environment)
        let process = WorkerProcess(child, id: WorkerID(number: 1), name: "test", generation: 1, proposal: 1)
        let (status, lines) = try wait(process)
        return (status, lines.map(\.1))
    }

    private func wait(_ process: WorkerProcess) throws -> (Supervisor.ExitStatus, [(LogLevel, String)]) {
        var lines: [(LogLevel, String)] = []
        let deadline = monotonicNow().after(.seconds(20))
        while monotonicNow() < deadline {
            lines += process.readOutput()
            if let status = process.reap() { return (status, lines + process.finishOutput()) }
            var entry = pollfd(fd: process.pidDescriptor.rawValue, events: Int16(POLLIN), revents: 0)
            _ = clinux_poll(&entry, 1, .milliseconds(100))
        }
        process.signal(SIGKILL)
        throw SystemError("the child does not end", number: ETIMEDOUT)
    }

    private typealias ExitStatus = Supervisor.ExitStatus

    @Test func aWorkerHasItsDescriptorsAndNoOthers() throws {
        let leaked = open("/dev/null", O_RDONLY)
        defer { close(leaked) }
        // The last one is ls's own, on the folder it reads.
        let (status, lines) = try run("exec ls /proc/self/fd")
        #expect(status == .exited(0))
        #expect(lines == ["0", "1", "2", "3", "4"])
    }

    @Test func aWorkerReadsNothingFromItsInput() throws {
        let (_, lines) = try run("readlink /proc/self/fd/0")
        #expect(lines == ["/dev/null"])
    }

    @Test func aWorkersEnvironmentIsWhatItIsGiven() throws {
        let (_, lines) = try run("exec /usr/bin/env", environment: ["TZ": "UTC", "PATH": "/bin"])
        #expect(
            lines.filter { !$0.hasPrefix("PWD=") && !$0.hasPrefix("_=") && !$0.hasPrefix("SHLVL=") }.sorted()
                == ["PATH=/bin", "TZ=UTC"])
    }

    @Test func onlyHarmlessVariablesComeFromOutside() {
        let outer = [
            "LD_PRELOAD": "x", "LD_LIBRARY_PATH": "x", "SWIFT_BACKTRACE": "enable=yes", "SECRET": "x", "TZ": "UTC",
            "ASAN_OPTIONS": "a", "HOME": "/root",
        ]
        let kept = Spawner.environment(from: outer, isDebugging: false)
        #expect(kept.keys.sorted() == ["PATH", "SWIFT_BACKTRACE", "TZ"])
        #expect(kept["SWIFT_BACKTRACE"] == "enable=no")
        let debugging = Spawner.environment(from: outer, isDebugging: true)
        #expect(debugging["ASAN_OPTIONS"] == "a")
        #expect(debugging["SWIFT_BACKTRACE"] == "enable=yes")
        #expect(debugging["LD_PRELOAD"] == nil)
    }

    @Test func noSignalIsBlockedOrIgnoredInAWorker() throws {
        let (_, lines) = try run("grep -E '^Sig(Blk|Ign)' /proc/self/status")
        #expect(lines == ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"])
    }

    @Test func aWorkerHasAProcessGroupOfItsOwn() throws {
        let (_, lines) = try run("cut -d' ' -f1,5 /proc/$$/stat")
        let numbers = lines.first?.split(separator: " ") ?? []
        #expect(numbers.count == 2 && numbers.first == numbers.last)
    }

    @Test func aProgramThatIsNotThereIsAnErrorThatSaysSo() {
        var spawner = Spawner()
        spawner.path = "/nonexistent/muster"
        #expect(throws: SystemError("starting a worker: executing the program", number: ENOENT)) {
            _ = try spawner.spawn(environment: [:])
        }
    }

    @Test(arguments: [("exit 0", 0), ("exit 78", 78)])
    func theStatusIsTheChilds(script: String, expected: Int32) throws {
        #expect(try run(script).0 == .exited(expected))
    }

    @Test func theSignalThatEndedItIsKnown() throws {
        #expect(try run("kill -SEGV $$").0 == .signalled(11))
    }

    @Test func outputComesLineByLineWithTheLastOneThoughItHasNoBreak() throws {
        let (_, lines) = try run("echo one; echo two >&2; printf three")
        #expect(lines.sorted() == ["one", "three", "two"])
    }

    @Test func manyWorkersLeaveNoDescriptorAndNoZombie() throws {
        _ = try run("true")
        let before = (openDescriptorCount(), childCount())
        for _ in 0..<200 { _ = try run("exit 3") }
        // Other suites open and start some meanwhile; a leak of one a worker would be 200.
        #expect(openDescriptorCount() < before.0 + 100)
        #expect(childCount() < before.1 + 100)
    }

    @Test func failedSpawnsLeaveNothingEither() {
        var spawner = Spawner()
        spawner.path = "/nonexistent/muster"
        let before = (openDescriptorCount(), childCount())
        for _ in 0..<200 { _ = try? spawner.spawn(environment: [:]) }
        #expect(openDescriptorCount() < before.0 + 100)
        #expect(childCount() < before.1 + 100)
    }

    @Test func theControlSocketIsDescriptorThree() throws {
        var spawner = Spawner()
        spawner.path = "/bin/sh"
        spawner.arguments = ["sh", "-c", "printf hello >&3"]
        let child = try spawner.spawn(environment: [:])
        let process = WorkerProcess(child, id: WorkerID(number: 1), name: "test", generation: 1, proposal: 1)
        _ = try wait(process)
        #expect(try Files.read(child.control, atMost: 16, "the socket") == [UInt8]("hello".utf8))
    }

    @Test func theUseOfAProcessIsReadFromProc() {
        let usage = ProcessUsage(pid: getpid())
        #expect((usage?.residentBytes ?? 0) > 1 << 20)
        #expect((usage?.processorSeconds ?? -1) >= 0)
        #expect(ProcessUsage(pid: 0) == nil)
    }
}

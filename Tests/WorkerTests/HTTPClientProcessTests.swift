@testable import Worker
import ControlProtocol
import Glibc
import Locks
import NetworkTesting
import PluginManifest
import Testing

/// What fetching costs those who do not fetch: nothing.
@Suite struct HTTPClientProcessTests {
    private func start(_ environment: [String] = []) throws -> WorkerProcess {
        let plugin = WorkerPlan.Plugin(
            component: "Client", path: "\(WorkerProcess.products)/libFixture.Client.so", stateDirectory: "/nonexistent")
        return try WorkerProcess(
            WorkerPlan(
                name: "Client", generation: 1, plugins: [plugin], privileges: Privileges(), loopCount: 1,
                logLevel: .info, isDebugging: true), environment: environment)
    }

    private func activate(_ worker: WorkerProcess, url: String?) throws {
        guard case .loaded = try worker.nextReport() else { throw HarnessFailure("not loaded") }
        let options: [String: OptionValue] = url.map { ["url": .url($0)] } ?? [:]
        try worker.send(.prepare([ComponentPlan(component: "Client", options: options, listeners: [])]))
        #expect(try worker.nextReport() == .ready)
        try worker.send(.activate([:]))
        #expect(try worker.nextReport() == .activated)
    }

    private func mapsLibcurl(_ worker: WorkerProcess) throws -> Bool {
        try worker.read("/proc/\(worker.pid)/maps").contains("libcurl")
    }

    /// The message of the next line of the log that begins so.
    private func waitForLog(_ worker: WorkerProcess, _ start: String) throws -> String {
        for _ in 0..<20 {
            if let found = worker.records.first(where: { $0.message.hasPrefix(start) }) { return found.message }
            // Nothing comes from a worker that has ended; what it said before is there.
            guard (try? worker.nextReport(includingPulses: true)) != nil else { break }
        }
        if let found = worker.records.first(where: { $0.message.hasPrefix(start) }) { return found.message }
        throw HarnessFailure("no line of the log begins with '\(start)': \(worker.records.map(\.message))")
    }

    @Test func workerThatDoesNotFetchMapsNoLibcurl() throws {
        let worker = try start()
        try activate(worker, url: nil)
        #expect(try !mapsLibcurl(worker))
        try worker.send(.stop)
        #expect(try worker.waitForExit() == 0)
    }

    @Test func workerThatFetchesLoadsItThenAndEndsInGoodOrder() throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(text: "hello")
        }
        defer { server.stop() }
        let worker = try start()
        try activate(worker, url: server.url())
        #expect(try waitForLog(worker, "fetched") == "fetched: code 0 status 200 bytes 5")
        #expect(try mapsLibcurl(worker))
        #expect(try worker.read("/proc/\(worker.pid)/maps").contains("libssl.so.3"))
        try worker.send(.stop)
        #expect(try worker.waitForExit() == 0)
    }

    @Test func transferUnderWayEndsWithTheWorker() throws {
        let server = try ScriptedServer { $0.waitForClose() }
        defer { server.stop() }
        let worker = try start()
        try activate(worker, url: server.url())
        try worker.send(.stop)
        #expect(try waitForLog(worker, "fetched") == "fetched: code 2 status 0 bytes 0")
        #expect(try worker.waitForExit() == 0)
    }

    @Test func hostWithoutLibcurlSaysWhichPackageItLacks() throws {
        // A library of that name that is another, in front of the real one.
        var folder = Array("/tmp/no-libcurl-XXXXXX\0".utf8CString)
        try #require(mkdtemp(&folder) != nil)
        let path = String(decoding: folder.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try #require(symlink("\(WorkerProcess.products)/libFixture.One.so", "\(path)/libcurl.so.4") == 0)
        defer {
            unlink("\(path)/libcurl.so.4")
            rmdir(path)
        }
        let worker = try start(["LD_LIBRARY_PATH=\(path)"])
        try activate(worker, url: "http://127.0.0.1:9/")
        _ = try waitForLog(worker, "there is no client")
        let complaints = worker.records.map(\.message).filter { $0.hasPrefix("muster.http-client/1 is not available") }
        #expect(complaints.count == 1 && complaints.first?.contains("install the package libcurl4") == true)
        try worker.send(.stop)
        #expect(try worker.waitForExit() == 0)
    }

    @Test func hostDoesNotLinkLibcurl() throws {
        let stream = try #require(popen("readelf -d '\(WorkerProcess.products)/muster'", "r"))
        var text = ""
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, CInt(line.count), stream) != nil {
            text += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        #expect(pclose(stream) == 0)
        #expect(text.contains("(NEEDED)") && text.contains("libssl.so.3"))
        #expect(!text.contains("libcurl"))
    }
}

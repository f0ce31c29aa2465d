import FileServing
import FoundationEssentials
import MusterABI
import PluginKit
import PluginTesting
import Testing
import UpdateDistributor

@testable import UpdateService

/// UpdateService through the ABI, over a folder of its own. What serving a folder means is tested with FileServing.
@Suite struct UpdateServerTests {
    /// A folder with one file and a plugin that serves it.
    private final class Fixture {
        let folder: URL
        let host: FakeHost

        init<P: Plugin>(_ plugin: P.Type) throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "muster-service-\(UUID().uuidString)")
            try FileManager.default.createDirectory(
                at: folder.appending(path: "v1"), withIntermediateDirectories: true)
            try Data("Hello, distributor.\n".utf8).write(to: folder.appending(path: "hello.txt"))
            try Data("not served\n".utf8).write(to: folder.appending(path: "v1/status"))
            try Data("not served\n".utf8).write(to: folder.appending(path: "v1/other"))
            host = FakeHost(PluginEntry.manifest(of: plugin), settings: ["repository": .path(folder.path)])
            try host.start()
        }

        deinit {
            host.stop()
            host.destroy()
            try? FileManager.default.removeItem(at: folder)
        }

        func send(_ method: String, _ target: String, _ headers: (String, String)...) -> FakeAnswer {
            host.exchange(FakeRequest(target, method: method, headers: headers), with: "updates")
        }
    }

    private func status(_ fixture: Fixture) throws -> ServiceStatus {
        let answer = fixture.send("GET", "/v1/status")
        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == "application/json")
        #expect(answer["Cache-Control"] == "no-store")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(ServiceStatus.self, from: Data(answer.body))
    }

    @Test func fileIsTheSameFromBothComponents() throws {
        let (service, distributor) = (try Fixture(UpdateServer.self), try Fixture(Distributor.self))
        let (ours, theirs) = (service.send("GET", "/hello.txt"), distributor.send("GET", "/hello.txt"))
        #expect(ours.status == 200 && ours.text == "Hello, distributor.\n")
        #expect(ours.body == theirs.body && ours.headers.map(\.name) == theirs.headers.map(\.name))
        #expect(service.send("GET", "/hello.txt", ("Range", "bytes=0-4")).text == "Hello")
        #expect(service.send("GET", "/missing").status == 404)
    }

    @Test func statusSaysWhatWasAnswered() throws {
        let fixture = try Fixture(UpdateServer.self)
        let before = try status(fixture)
        #expect(before.component == "Tested" && before.generation == 7)
        #expect(before.answers.whole == 0 && before.answers.notFound == 0)
        let tag = try #require(fixture.send("GET", "/hello.txt")["ETag"])
        #expect(fixture.send("GET", "/hello.txt", ("If-None-Match", tag)).status == 304)
        #expect(fixture.send("GET", "/hello.txt", ("Range", "bytes=0-4")).status == 206)
        #expect(fixture.send("GET", "/hello.txt", ("If-Match", "\"other\"")).status == 412)
        #expect(fixture.send("GET", "/missing").status == 404)
        let after = try status(fixture).answers
        #expect(after.whole == 1 && after.notModified == 1 && after.partial == 1)
        #expect(after.failed == 1 && after.notFound == 1)
    }

    @Test func whatIsBelowTheServicesPathIsNeverAFile() throws {
        let fixture = try Fixture(UpdateServer.self)
        #expect(fixture.send("GET", "/v1/other").status == 404)
        #expect(fixture.send("GET", "/v1/").status == 404)
        #expect(!fixture.send("GET", "/v1/status?x").text.contains("not served"))
    }

    @Test func statusIsOnlyRead() throws {
        let fixture = try Fixture(UpdateServer.self)
        let answer = fixture.send("POST", "/v1/status")
        #expect(answer.status == 405 && answer["Allow"] == "GET, HEAD")
        #expect(fixture.send("HEAD", "/v1/status").status == 200)
        #expect(fixture.send("HEAD", "/v1/status").body == [])
    }

    @Test func manifestsDeclareTheDocumentedPorts() throws {
        for (fixture, port, transport) in [
            (try Fixture(UpdateServer.self), 443 as UInt32, MUSTER_TRANSPORT_HTTPS),
            (try Fixture(Distributor.self), 50003, MUSTER_TRANSPORT_HTTP),
        ] {
            let manifest = fixture.host.manifest.pointee
            let listeners = UnsafeBufferPointer(start: manifest.listeners, count: manifest.listener_count)
            #expect(listeners.count == 1)
            #expect(listeners.first??.pointee.port == port)
            #expect(listeners.first??.pointee.transport == transport)
        }
    }
}

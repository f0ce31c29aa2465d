import ControlProtocol
import Foundation
import Testing

/// All that starts the real binary runs one test at a time: two cores serve the host and its clients.
@Suite(.serialized) struct LiveTests {}

extension LiveTests {
    /// Starting, against the real binary.
    @Suite struct StartTests {
        @Test func configurationErrorsStopTheStartWithAllOfThemListed() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne"])
            try host.configure(
                """
                App:
                  enabeld: true
                Other: {enabled: 7}
                """, host: "isolation: none")
            try host.start()
            #expect(try host.waitForExit() == 78)
            for word in ["enabeld", "components.Other", "isolation"] {
                #expect(host.log.contains(word), "\(host.log)")
            }
            #expect(host.log.contains("config.yaml:"))
        }

        @Test func missingPluginIsSaidWithWhereItWasLookedFor() throws {
            let host = try LiveHost()
            try host.configure("Missing: {}\n")
            try host.start()
            #expect(try host.waitForExit() == 78)
            #expect(host.log.contains("libMissing.so") && host.log.contains("\(host.directory)/plugins"), "\(host.log)")
        }

        @Test func optionErrorsOfEveryComponentAreListedTogether() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne", "Other": "FixtureTwo"])
            try host.configure(
                Fixture.component("App", config: "{answr: x}")
                    + Fixture.component("Other", config: "{fail_in: nowhere}"))
            try host.start()
            #expect(try host.waitForExit() == 78)
            #expect(host.log.contains("answr") && host.log.contains("'answer'"), "\(host.log)")
            #expect(host.log.contains("nowhere"), "\(host.log)")
        }

        @Test func errorsOfTheFileAndOfOptionsAreListedTogether() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne", "Other": "FixtureTwo"])
            try Fixture.configure(host, app: "{answer: old}")
            try host.start()
            try host.waitUntil("it serves") { (try? host.get("/", from: "App").text) == "old" }
            try host.configure(
                Fixture.component("App", config: "{answr: x}") + "Other: {enabeld: true}\nMissing: {}\n",
                host: "isolation: none")
            let words = ["answr", "enabeld", "libMissing.so", "isolation"]
            let receipt = try host.reload()
            #expect(receipt.result == .refused)
            for word in words {
                #expect(receipt.diagnostics.contains { $0.contains(word) }, "\(receipt.diagnostics)")
            }
            #expect(try host.stop() == 0)

            let second = try LiveHost(plugins: ["App": "FixtureOne", "Other": "FixtureTwo"])
            try second.configure(
                Fixture.component("App", config: "{answr: x}") + "Other: {enabeld: true}\nMissing: {}\n",
                host: "isolation: none")
            try second.start()
            #expect(try second.waitForExit() == 78)
            for word in words { #expect(second.log.contains(word), "\(second.log)") }
        }

        @Test func pluginThatCannotPrepareDoesNotStopItsSibling() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne", "Other": "FixtureTwo"])
            try Fixture.configure(host, app: "{fail_in: activate}")
            try host.start()
            try host.waitUntil("Other serves") { (try? host.get("/code", from: "Other").text) == "two" }
            try host.waitUntil("App is retried") { try host.component("App").state == .retrying }
            #expect(try host.component("App").message?.contains("asked to fail in activate") == true)
            #expect(try host.stop() == 0)
        }

        @Test func takenPortLeavesTheSiblingServingAndIsRetriedUntilItIsFree() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne", "Other": "FixtureTwo"])
            var squatter: Listener? = try Listener()
            guard let port = squatter?.port else { throw LiveFailure("no port") }
            try host.configure(
                "App:\n  listen: {web: \"127.0.0.1:\(port)\"}\n" + Fixture.component("Other"))
            try host.start()
            try host.waitUntil("Other serves") { (try? host.get("/code", from: "Other").text) == "two" }
            try host.waitUntil("App is retried") { try host.component("App").restarts >= 2 }
            let message = try host.component("App").message ?? ""
            #expect(message.contains("127.0.0.1:\(port)"), "\(message)")
            let lines = host.log.split(separator: "\n").filter {
                $0.contains("127.0.0.1:\(port)") && $0.contains("in use")
            }
            #expect(lines.count == 1, "logged once per change, not per try: \(lines)")
            squatter = nil
            try host.waitUntil("App serves") { try host.component("App").state == .running }
            #expect(try Connection(port: port).get("/code").text == "one")
        }

        @Test(.enabled(if: geteuid() == 0, "takes a capability away, which needs root"))
        func privilegedPortWithoutTheCapabilityIsExplained() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne", "Other": "FixtureTwo"])
            try host.configure("App:\n  listen: {web: \"127.0.0.1:81\"}\n" + Fixture.component("Other"))
            try host.start(under: ["setpriv", "--bounding-set", "-net_bind_service"])
            try host.waitUntil("Other serves") { (try? host.get("/code", from: "Other").text) == "two" }
            try host.waitUntil("App says why not") { try host.component("App").message != nil }
            let message = try host.component("App").message ?? ""
            #expect(message.contains("CAP_NET_BIND_SERVICE") && message.contains("81"), "\(message)")
        }

        @Test func portOffsetMovesEveryDocumentedPort() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne"])
            try host.configure("App:\n  listen: {web: \"127.0.0.1:10020\"}\n")
            try host.startAndWait(["--port-offset", "1113"])
            #expect(try Connection(port: 11133).get("/code").text == "one")
        }

        @Test func lastGoodConfigurationStartsWhenTheFileIsBroken() throws {
            let host = try Fixture.start()
            try host.stop()
            try host.configure("App: [")
            try host.start()
            #expect(try host.waitForExit() == 78)
            try host.startAndWait(["--last-good"])
            #expect(try host.get("/", from: "App").text == "old")
            #expect(try host.status().isConfigurationStale)
        }

        @Test func secondHostOnTheSameControlSocketIsRefused() throws {
            let host = try Fixture.start()
            let second = try LiveHost()
            try second.replace("config.yaml", with: try Data(contentsOf: URL(fileURLWithPath: host.configurationPath)))
            let text = try String(contentsOfFile: second.configurationPath, encoding: .utf8)
                .replacingOccurrences(of: "control: control.sock", with: "control: \(host.directory)/control.sock")
                .replacingOccurrences(of: "plugin_dirs: [plugins]", with: "plugin_dirs: [\(host.directory)/plugins]")
            try second.replace("config.yaml", with: Data(text.utf8))
            try second.start()
            #expect(try second.waitForExit() == 1)
            #expect(second.log.contains("already"), "\(second.log)")
            #expect(try host.get("/", from: "App").text == "old")
        }

        @Test func allComponentsInOneWorkerServeWithSharedIsolation() throws {
            let host = try Fixture.start(host: "isolation: shared")
            let status = try host.status()
            #expect(Set(status.components.compactMap(\.pid)).count == 1)
            #expect(try host.get("/", from: "App").text == "old")
            #expect(try host.get("/code", from: "Other").text == "one")
            try Fixture.configure(host, app: "{answer: new}", host: "isolation: shared")
            #expect(try host.reload().result == .committed)
            #expect(try host.get("/", from: "App").text == "new")
        }

        @Test(.enabled(if: geteuid() == 0, "mounts a small file system, which needs root"))
        func fullDiskInTheDataDirectoryIsSaidAndStopsNothing() throws {
            let host = try LiveHost(plugins: ["App": "FixtureOne", "Other": "FixtureOne"])
            let data = "\(host.directory)/data"
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            guard mount("muster-test", data, "tmpfs", 0, "size=2m,mode=0755") == 0 else {
                throw LiveFailure("mount: errno \(errno)")
            }
            defer { umount2(data, Int32(MNT_DETACH)) }
            try Fixture.configure(host, app: "{answer: old}")
            try host.startAndWait()
            let filler = "\(data)/filler"
            #expect(FileManager.default.createFile(atPath: filler, contents: nil))
            let descriptor = open(filler, O_WRONLY)
            let zeros = [UInt8](repeating: 0, count: 4096)
            while write(descriptor, zeros, zeros.count) > 0 {}
            close(descriptor)
            // A changed option needs no space that matters: it is taken, and what could not be kept is said.
            try Fixture.configure(host, app: "{answer: new}")
            #expect(try host.reload().result == .committed)
            #expect(try host.get("/", from: "App").text == "new")
            #expect(host.log.contains("no space left"), "\(host.log)")
            // New code needs a copy: the reload is refused, and says why.
            try host.install("FixtureTwo", as: "App")
            let receipt = try host.reload()
            #expect(receipt.result == .refused)
            #expect("\(receipt)".contains("no space left"), "\(receipt)")
            #expect(try host.get("/code", from: "App").text == "one")
            unlink(filler)
            #expect(try host.reload().result == .committed)
            #expect(try host.get("/code", from: "App").text == "two")
        }
    }
}

/// A socket that holds a port of 127.0.0.1 until it is let go.
final class Listener {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard bound else { throw LiveFailure("bind: errno \(errno)") }
    }

    deinit { close(descriptor) }
}

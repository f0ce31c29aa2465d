import Foundation
import Testing

extension LiveTests {
    /// The plugins that ship, served by the real binary.
    @Suite struct ProductTests {
        @Test func teachingPluginsGreet() throws {
            let host = try LiveHost()
            try host.configure(
                """
                HelloC:
                  listen: {hello: "127.0.0.1:0"}
                  config: {greeting: "Good day"}
                HelloSwift:
                  listen: {hello: "127.0.0.1:0"}
                  config: {greeting: "Good evening"}
                """)
            try host.startAndWait()
            #expect(try host.get("/hello", from: "HelloC").text.contains("Good day"))
            #expect(try host.get("/hello", from: "HelloSwift").text.contains("Good evening"))
            #expect(try host.get("/other", from: "HelloC").status == 404)
            #expect(try host.get("/other", from: "HelloSwift").status == 404)
        }

        @Test func distributorServesADirectoryThroughReloads() throws {
            let host = try LiveHost()
            let repository = "\(host.directory)/repository"
            try FileManager.default.createDirectory(atPath: repository, withIntermediateDirectories: true)
            let large = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
            try large.write(to: URL(fileURLWithPath: "\(repository)/large.bin"))
            try Data("small\n".utf8).write(to: URL(fileURLWithPath: "\(repository)/small.txt"))
            func configuration(_ extra: String) -> String {
                """
                UpdateDistributor:
                  listen: {updates: "127.0.0.1:0"}
                  config: {repository: repository\(extra)}
                """
            }
            try host.configure(configuration(""))
            try host.startAndWait()
            #expect(try host.get("/small.txt", from: "UpdateDistributor").text == "small\n")
            let whole = try host.get("/large.bin", from: "UpdateDistributor")
            #expect(whole.body == Array(large))
            #expect(try host.get("/../config.yaml", from: "UpdateDistributor").status >= 400)
            #expect(try host.get("/%2e%2e/config.yaml", from: "UpdateDistributor").status >= 400)
            let load = Load(port: try host.port(of: "UpdateDistributor"), target: "/small.txt")
            for number in 1...5 {
                try host.configure(configuration(", cache: {open_files: \(100 + number)}"))
                #expect(try host.reload().result == .committed)
            }
            let tally = load.stop()
            #expect(tally.failures.isEmpty, "\(tally)")
        }
    }
}

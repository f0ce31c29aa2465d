import Foundation
import Testing

/// From the vendor's publication to the workstation's activation, over real hosts with the documented ports.
@Suite("The update chain")
struct UpdateChainTests {
    @Test func aWorkstationActivatesTheFirstVersionThenTheSecondByDeltaAndRefusesAForgedThird() throws {
        let world = try UpdateWorld()
        let distributor = try world.addDistributor()
        let first = try world.vendorVersion()
        let workstation = try world.addWorkstation(more: "interval: 10s")
        try workstation.waitForVersion(first)

        try world.publishNext()
        _ = try world.check(distributor)
        let second = try world.vendorVersion()
        #expect(second != first)
        try workstation.waitForVersion(second)
        // It is said after the switch.
        try workstation.live.waitUntil("the log says that the second version came by a delta", within: 30) {
            workstation.live.log.contains("delta")
        }

        // Who has the distributor's disk, and no key, puts another list in place and names it in the metadata.
        try distributor.live.stop()
        try world.forge(distributor)
        try distributor.configure(
            """
            UpdateDistributor:
              listen: {updates: "\(distributor.address):50003"}
              config: {repository: repository}
            """)
        try distributor.startAndWait()
        try workstation.live.waitUntil("the forged version is refused", within: 60) {
            workstation.live.log.contains("signed by 0 of")
        }
        #expect(workstation.activeVersion == second)
    }

    @Test func distributorsChainAndTellOneAnother() throws {
        let world = try UpdateWorld()
        let first = try world.addDistributor(downstreams: ["127.79.\(world.network).3"])
        let second = try world.addDistributor(upstream: first)
        try second.live.waitUntil("the second distributor serves what the first does", within: 60) {
            world.snapshotVersion(at: second) != nil
                && world.snapshotVersion(at: second) == world.snapshotVersion(at: first)
        }
        let workstation = try world.addWorkstation(distributors: [second])
        try workstation.waitForVersion(try world.vendorVersion())
        // Its interval is an hour: only the first one's notice can bring it the next.
        let before = try #require(world.snapshotVersion(at: second))
        try world.publishNext()
        _ = try world.check(first)
        try second.live.waitUntil("the next version has come through the chain", within: 60) {
            (world.snapshotVersion(at: second) ?? 0) > before
        }
    }

    @Test func aCheckIsOrderedByWhoMayAlone() throws {
        let world = try UpdateWorld()
        let distributor = try world.addDistributor()
        let workstation = try world.addWorkstation(start: false)
        let refused = try world.curl(
            "--output", "/dev/null", "--write-out", "%{http_code}", "--request", "POST",
            "https://\(distributor.address):443/v1/check")
        #expect(refused == "403")
        let client = try world.curl(
            "--output", "/dev/null", "--write-out", "%{http_code}", "--request", "POST", "--cert",
            workstation.folder.identityPath, "https://\(distributor.address):443/v1/check")
        #expect(client == "403")
    }

    @Test func theLastGoodSnapshotIsServedWhileTheUpstreamIsAway() throws {
        let world = try UpdateWorld()
        let distributor = try world.addDistributor()
        try distributor.live.waitUntil("the first version is mirrored") {
            world.snapshotVersion(at: distributor) != nil
        }
        let before = world.snapshotVersion(at: distributor)
        try world.vendor.live.stop()
        _ = try world.check(distributor)
        try distributor.live.waitUntil("the status says that the upstream is away") {
            let mirror = try world.status(distributor)["mirror"] as? [String: Any]
            return (mirror?["error"] as? [String: Any])?["cause"] as? String == "unreachable"
        }
        #expect(world.snapshotVersion(at: distributor) == before)
    }
}

extension UpdateWorld {
    /// The definitions that the vendor has published last.
    func vendorVersion() throws -> String {
        let folder = "\(repository)/metadata"
        let versions = try FileManager.default.contentsOfDirectory(atPath: folder)
            .compactMap { $0.hasSuffix(".targets.json") ? Int($0.prefix { $0 != "." }) : nil }
        let targets = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(versions.max() ?? 0).targets.json")))
        guard let signed = (targets as? [String: Any])?["signed"] as? [String: Any],
            let listed = signed["targets"] as? [String: Any],
            let version = listed["definitions/version"] as? [String: Any],
            let digest = (version["hashes"] as? [String: String])?["sha256"]
        else { throw LiveFailure("the vendor's definitions have no version: \(versions)") }
        return try String(contentsOfFile: "\(repository)/targets/definitions/\(digest).version", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Raises the versions that a distributor serves, as somebody would who wants an own list activated, without a key.
    func forge(_ distributor: UpdateHost) throws {
        let path = "\(distributor.live.directory)/repository/metadata/timestamp.json"
        var text = try String(contentsOfFile: path, encoding: .utf8)
        guard let mark = text.range(of: #""version"\s*:\s*\d+"#, options: [.regularExpression, .backwards]) else {
            throw LiveFailure("no version in \(text)")
        }
        text.replaceSubrange(mark, with: "\"version\":9999")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}

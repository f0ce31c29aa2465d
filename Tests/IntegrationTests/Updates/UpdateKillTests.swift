import Foundation
import Testing

/// Any process of the chain may end at any instruction: what is published, mirrored and active is the old version or the new
/// one, whole, and nobody repairs anything.
///
/// 48 kills; MUSTER_UPDATE_KILLS says another number.
@Suite("Kills in the update chain")
struct UpdateKillTests {
    private static let wanted = ProcessInfo.processInfo.environment["MUSTER_UPDATE_KILLS"].flatMap { Int($0) } ?? 48

    @Test func killsAtRandomMomentsLeaveTheOldVersionOrTheNew() throws {
        let world = try UpdateWorld(sample: false)
        var chance = SystemRandomNumberGenerator()
        try world.publishList(0)
        let distributor = try world.addDistributor(more: "supervision: {restart_limit: 10000}")
        let workstation = try world.addWorkstation(more: "interval: 10s", host: "supervision: {restart_limit: 10000}")
        try workstation.waitForVersion(try world.vendorVersion())
        var (published, mirrored, activated) = (0, 0, 0)
        var round = 0
        // Three or four a round: a publication may have ended before it is killed.
        while published + mirrored + activated < Self.wanted, round < Self.wanted {
            round += 1
            // The publication.
            try world.stageList(round)
            if try world.endPublication(after: Double.random(in: 0...0.12, using: &chance)) { published += 1 }
            _ = try world.muster("repo", "verify", world.repository)
            try world.muster("repo", "publish", world.repository)
            world.vendor.handOver()
            // The mirror.
            _ = try? world.check(distributor)
            usleep(UInt32.random(in: 0...150_000, using: &chance))
            mirrored += try distributor.kill("UpdateService")
            try world.verify(distributor)
            let wanted = try world.publishedSnapshot()
            try distributor.live.waitUntil("round \(round): the mirror has snapshot \(wanted)", within: 60) {
                if world.snapshotVersion(at: distributor) == wanted { return true }
                _ = try? world.check(distributor)
                return false
            }
            try world.verify(distributor)
            // The activation, which a start begins with: once to have it begin, once while it is under way.
            activated += try workstation.kill("CommAgent")
            usleep(UInt32.random(in: 0...600_000, using: &chance))
            activated += try workstation.kill("CommAgent")
            try world.checkActive(workstation)
            try workstation.waitForVersion(try world.vendorVersion())
            try world.checkActive(workstation)
        }
        let kills = published + mirrored + activated
        print(
            "kills in the update chain: \(kills) (publication \(published), mirror \(mirrored), activation \(activated)), "
                + "all consistent")
        #expect(kills >= Self.wanted)
    }
}

extension UpdateWorld {
    /// A list of signatures of a round, noted for the next publication.
    func stageList(_ round: Int) throws {
        let file = "\(vendor.live.directory)/list"
        try SampleList.text(round).write(toFile: file, atomically: true, encoding: .utf8)
        try muster("repo", "add", repository, file, "--as", "definitions/list.hsb")
    }

    func publishList(_ round: Int) throws {
        try stageList(round)
        try muster("repo", "publish", repository)
        vendor.handOver()
    }

    /// Begins a publication and ends it after some seconds; whether it was still at work.
    func endPublication(after seconds: Double) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(LiveHost.products)/muster")
        process.arguments = ["repo", "publish", repository]
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        usleep(UInt32(seconds * 1_000_000))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal
    }

    func publishedSnapshot() throws -> Int {
        let text = try Data(contentsOf: URL(fileURLWithPath: "\(repository)/metadata/timestamp.json"))
        guard let json = try JSONSerialization.jsonObject(with: text) as? [String: Any],
            let signed = json["signed"] as? [String: Any], let meta = signed["meta"] as? [String: Any],
            let version = (meta["snapshot.json"] as? [String: Any])?["version"] as? Int
        else { throw LiveFailure("no snapshot is published") }
        return version
    }

    /// What a distributor has on its disk is whole, as a client sees it.
    func verify(_ distributor: UpdateHost) throws {
        try muster("repo", "verify", "\(distributor.live.directory)/repository")
    }

    /// The active set is one that was published: its list is the target of that version, byte for byte.
    func checkActive(_ workstation: UpdateHost) throws {
        let list = try Data(
            contentsOf: URL(fileURLWithPath: "\(workstation.live.directory)/definitions/current/list.hsb"))
        let folder = "\(repository)/targets/definitions"
        let published = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".list.hsb") }
        let isPublished = try published.contains {
            try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")) == list
        }
        guard isPublished else { throw LiveFailure("the active list is none that was published: \(list.count) bytes") }
    }
}

extension UpdateHost {
    /// Ends a component's process; 1 where there was one.
    func kill(_ component: String) throws -> Int {
        guard let pid = try live.component(component).pid else { return 0 }
        return Foundation.kill(pid_t(pid), SIGKILL) == 0 ? 1 : 0
    }
}

/// Definitions of some kilobytes.
enum SampleList {
    /// EICAR's signature and 400 others, one in fifty of which is the round's own.
    static func text(_ round: Int) -> String {
        var text = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:68:Test.Eicar:73\n"
        for number in 0..<400 {
            let digits = String(number * 7919 + (number % 50 == round % 50 ? round : 0), radix: 16)
            text += String(repeating: "0", count: 64 - digits.count) + digits + ":\(number + 1):Test.\(number):73\n"
        }
        return text
    }
}

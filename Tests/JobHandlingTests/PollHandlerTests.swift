import Fleet
import FoundationEssentials
import Glibc
import MusterABI
import PluginTesting
import Testing

@testable import JobHandling
@testable import PollHandler

@Suite struct PollHandlerTests {
    private struct Hosted: Encodable, Sendable {
        struct Component: Encodable, Sendable {
            var name: String
            var state: String
            var plugin_version: String?
            var restarts: Int
            var listeners: [Int] = []
        }

        var version = "1.0"
        var components: [Component]
    }

    @Test func pollTellsHowTheMachineIs() async throws {
        let fixture = try HandlerFixture(.poll)
        fixture.serve(
            "host.status get",
            Hosted(components: [
                .init(name: "PollHandler", state: "running", plugin_version: "0.1.0", restarts: 2),
                .init(name: "Other", state: "waiting for reload", plugin_version: nil, restarts: 0),
            ]))
        let standing = SweepStanding(
            definitions: .init(version: "41", signatures: 7, date: Timestamp(seconds: 1000)),
            lastSweep: .init(
                finishedAt: Timestamp(seconds: 2000), isComplete: true, isFull: false, coverage: SweepCoverage(),
                detections: 1), openDetections: 1)
        fixture.serve("sweep.status get", standing)
        let outcome = try await fixture.outcome(of: try fixture.run(fixture.offer()))
        #expect(outcome.end == .succeeded)
        let status = try #require(outcome.result).decoded(as: ClientStatus.self)
        var names = utsname()
        uname(&names)
        let kernel = withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        #expect(status.system.kernel == kernel && status.system.family == "linux" && !status.system.host.isEmpty)
        #expect(status.system.bootedAt.map { $0 < .now() } == true && !status.system.os.isEmpty)
        #expect(status.version == "1.2.3")
        #expect(status.definitions == standing.definitions && status.lastSweep == standing.lastSweep)
        #expect(status.openDetections == 1)
        #expect(status.disks.first?.path == "/" && (status.disks.first?.size ?? 0) > 0)
        #expect(status.components.map(\.state) == ["running", "waiting for reload"])
        #expect(status.components.map(\.restarts) == [2, 0] && status.components.map(\.version) == ["0.1.0", ""])
        try await fixture.end()
    }

    @Test func whatNobodySaysIsLeftOut() async throws {
        let fixture = try HandlerFixture(.poll, roles: ["client"])
        fixture.services["host.status get"] = { _ in (MUSTER_BUS_UNREACHABLE, []) }
        fixture.services["sweep.status get"] = { _ in (MUSTER_BUS_ANSWERED, Array("[]".utf8)) }
        let call = fixture.host.give("client.status", "collect", from: "ClientService")
        try await fixture.until("the status is there") { fixture.host.reply(to: call) != nil }
        let reply = try #require(fixture.host.reply(to: call))
        let status = try FleetJSON.decode(ClientStatus.self, from: reply.payload)
        #expect(status.components.isEmpty && status.definitions == nil && status.openDetections == 0)
        let other = fixture.host.give("client.status", "other", from: "ClientService")
        try await fixture.until("it is refused") { fixture.host.reply(to: other) != nil }
        #expect(fixture.host.reply(to: other)?.status == MUSTER_FAILED)
        try await fixture.end()
    }

    @Test func sweepOrNonsenseIsNotCarriedOut() async throws {
        let fixture = try HandlerFixture(.poll)
        var offer = fixture.offer()
        offer.kind = "sweep"
        let calls = [
            try fixture.run(offer), fixture.host.give("job.poll", "run", from: "X", Array("{}".utf8)),
            fixture.host.give("job.poll", "walk", from: "X"),
            fixture.host.give("job.poll", "cancel", from: "X", Array("[]".utf8)),
        ]
        for call in calls { #expect(fixture.host.reply(to: call)?.status == MUSTER_FAILED) }
        try await fixture.end()
    }

    @Test func pollWhoseDeadlineHasPassedFails() async throws {
        let fixture = try HandlerFixture(.poll)
        var offer = fixture.offer()
        offer.deadline = .now() + .seconds(-1)
        let outcome = try await fixture.outcome(of: try fixture.run(offer))
        #expect(outcome.end == .failed && outcome.reason.contains("deadline"))
        #expect(fixture.host.calls.isEmpty)
        try await fixture.end()
    }
}

@Suite struct SystemTextTests {
    @Test func nameOfTheSystemIsReadAsAShellWould() {
        for (text, name) in [
            ("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=x", "Debian GNU/Linux 12 (bookworm)"),
            ("# PRETTY_NAME=no\r\nPRETTY_NAME='Single \"quoted\"'\r\n", "Single \"quoted\""),
            ("NAME=Alpine\nVERSION_ID=3.20", "Alpine 3.20"), ("NAME=\"Arch Linux\"", "Arch Linux"),
            ("PRETTY_NAME=\"a\\\"b\\$c\"", "a\"b$c"), ("PRETTY_NAME=one two", "one"),
            ("PRETTY_NAME=\"not closed", "not closed"), ("PRETTY_NAME=first\nPRETTY_NAME=last", "last"),
        ] {
            #expect(OSRelease.name(text) == name)
        }
        for text in ["", "=", "PRETTY_NAME", "PRETTY_NAME=", "\u{0}\u{FFFD}=\n==", "NAME=\"\""] {
            #expect(OSRelease.name(text) == nil, "\(text)")
        }
        #expect(OSRelease.name("PRETTY_NAME=" + String(repeating: "x", count: 5000))?.count == 200)
    }

    @Test func bootTimeIsALineOfItsOwn() {
        #expect(BootTime.parse("cpu 1 2\nbtime 1700000000\nprocesses 1") == Timestamp(seconds: 1_700_000_000))
        for text in ["", "btime", "btime x", "btime -5", "btime 0", "btime 99999999999999", "xbtime 1700000000"] {
            #expect(BootTime.parse(text) == nil, "\(text)")
        }
    }

    @Test func fileSystemsOfTheNetworkAreKnownByTheirMounts() {
        let table = MountTable(
            """
            36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
            37 35 0:51 / /net rw - nfs4 server:/x rw
            38 35 0:52 / /odd rw
            nonsense
            39 35 0:x / /odd rw - nfs4 a b
            40 35 0:53 / /end rw -
            """)
        #expect(table.isNetwork(device: MountTable.device(major: 0, minor: 51)))
        #expect(!table.isNetwork(device: MountTable.device(major: 98, minor: 0)))
        #expect(!table.isNetwork(device: MountTable.device(major: 0, minor: 52)))
        // The layout of makedev(3).
        #expect(MountTable.device(major: 0x12345, minor: 0x6789A) == 0x0001_2000_6783_459A)
    }
}

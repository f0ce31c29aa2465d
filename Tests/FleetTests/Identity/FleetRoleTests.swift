import Testing

@testable import Fleet

@Suite struct FleetRoleTests {
    private static let id = "01939bd1-7a00-7000-8000-000000000001"

    @Test(arguments: [
        "muster:server", "muster:client/\(id)", "muster:admin/anna?role=viewer", "muster:admin/anna?role=operator",
        "muster:admin/a.b-c_d?role=admin", "muster:distributor/north-2",
    ])
    func roleIsReadAsItIsWritten(uri: String) throws {
        #expect(try #require(FleetRole(uri: uri)).description == uri)
    }

    @Test(arguments: [
        "", "muster:", "muster:server/", "muster:Server", "MUSTER:server", "muster:server ", "muster:client/",
        "muster:client/17", "muster:client/\(id)/", "muster:client/\(id)?role=admin", "muster:admin/anna",
        "muster:admin/anna?role=", "muster:admin/anna?role=root", "muster:admin/anna?role=admin&x",
        "muster:admin/?role=admin", "muster:admin/a/b?role=admin", "muster:admin/a%62?role=admin",
        "muster:admin/anna?rank=admin", "muster:admin/anna?role=admin?role=viewer", "muster:distributor/",
        "muster:distributor/a b", "muster:distributor/a,URI:muster:server", "https://muster:server",
        "muster:distributor/" + String(repeating: "n", count: 65),
    ])
    func whatIsNoRoleIsRefused(uri: String) {
        #expect(FleetRole(uri: uri) == nil)
    }

    @Test func ranksAreOrdered() {
        #expect(FleetRole.Rank.viewer < .operator && .operator < .admin && !(FleetRole.Rank.admin < .admin))
    }

    @Test func peerHasTheSerialNumberOfItsSubject() throws {
        let peer = try #require(FleetPeer(uris: ["x:y", "muster:server"], subject: "serialNumber=0AFF,CN=hq"))
        #expect(peer.serial == "0AFF" && peer.isServer && peer.client == nil && peer.rank == nil)
        #expect(FleetPeer(uris: ["x:y"], subject: "serialNumber=0AFF") == nil)
    }

    @Test func subjectOfARevocationLeavesTheRankOut() {
        #expect(FleetRole.admin(name: "anna", .viewer).subject == FleetRole.admin(name: "anna", .admin).subject)
    }
}

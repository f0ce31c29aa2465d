import Fleet
import Foundation
import Testing

@testable import FleetAdmin

/// An administrator's folder, as it is on disk.
@Suite struct AdminAccessTests {
    private let path = FileManager.default.temporaryDirectory.path + "/admin-access-\(UUID().uuidString)"

    private func write(lifetime: Duration = .seconds(86_400), at now: Timestamp = .now()) throws -> IdentityFolder {
        let made = try FleetAuthority.make(fleet: "Example", at: now)
        let authority = try FleetAuthority(
            issuingCertificate: made.issuingCertificate, issuingKey: made.issuingKey, root: made.rootCertificate)
        let key = try IdentityKey.make()
        let request = try SigningRequest(pem: try key.signingRequest(commonName: "anna"))
        let issued = try authority.issue(
            [.admin(name: "anna", .operator)], to: request, commonName: "anna", lifetime: lifetime, at: now)
        let folder = IdentityFolder(path: path)
        try folder.write(
            key: key, certificate: issued.pem, authority: made.rootCertificate,
            profile: FleetProfile(fleet: "Example", server: "hq.example.com:50000", polls: "polls.example.com:7"))
        return folder
    }

    private func failure(_ folder: IdentityFolder) -> AdminFailure? {
        do throws(AdminFailure) {
            _ = try AdminClient(try AdminAccess(folder))
            return nil
        } catch {
            return error
        }
    }

    @Test func anIdentityNamesTheServersPorts() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try write()
        let access = try AdminAccess(folder)
        #expect(access.clients == ServerAddress(host: "hq.example.com", port: 50_000))
        #expect(access.sweeps == ServerAddress(host: "hq.example.com", port: 50_001))
        #expect(access.polls == ServerAddress(host: "polls.example.com", port: 7))
        let moved = try AdminAccess(folder, server: ServerAddress(host: "::1", port: 60_000))
        #expect(moved.clients.port == 60_000 && moved.sweeps.port == 60_001 && moved.polls.port == 60_002)
        #expect(moved.polls.host == "::1")
        #expect(failure(folder) == nil)
    }

    @Test func aTokenHasTheAddressThatWasAskedAndIsRead() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let client = try AdminClient(try AdminAccess(try write()))
        let secret = TokenSecret.make()
        let made = MadeToken(
            id: .make(), secret: secret, authority: String(repeating: "ab", count: 32), expiresAt: .now())
        let token = try client.enrolmentToken(of: made)
        #expect(token.server == "hq.example.com:50000" && token.secret == secret)
        #expect(try EnrolmentToken("\(token)") == token)
        #expect(throws: AdminFailure.self) {
            try client.enrolmentToken(of: MadeToken(id: .make(), secret: "x", authority: "", expiresAt: .now()))
        }
    }

    @Test func noIdentityIsSaidWithWhereOneComesFrom() {
        let failure = failure(IdentityFolder(path: path))
        #expect(failure?.kind == .identity)
        #expect(failure?.message == "there is no identity in \(path)")
        #expect(
            failure?.advice
                == "Make one with `muster fleet admin add` on the company server, or name it: --identity DIR."
        )
    }

    @Test func anIdentityThatIsBrokenIsSaidWithItsFile() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try write()
        try Data("nonsense".utf8).write(to: URL(fileURLWithPath: folder.identityPath))
        let failure = failure(folder)
        #expect(failure?.kind == .identity && failure?.message.contains(folder.identityPath) == true)
    }

    @Test func aCertificateThatEndedIsSaidBeforeAnybodyIsAsked() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let past = Timestamp.now() + .seconds(-10 * 86_400)
        let failure = failure(try write(at: past))
        #expect(failure?.kind == .certificate && failure?.message.hasPrefix("your certificate ended at ") == true)
    }

    @Test func aCertificateOfTheFutureIsAWrongClock() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let future = Timestamp.now() + .seconds(10 * 86_400)
        #expect(failure(try write(at: future))?.kind == .clockSkew)
    }

    @Test func whatNobodyReadsIsKeptWithinABound() {
        let exchange = Exchange(limit: 10)
        func receive(_ count: Int) {
            [UInt8](repeating: 7, count: count).withUnsafeBytes { exchange.onBody(1, $0) }
        }
        receive(10)
        #expect(!exchange.isOverfull)
        #expect(exchange.takeBody().count == 10)
        receive(9)
        receive(2)
        receive(1)
        #expect(exchange.isOverfull)
        #expect(exchange.takeBody().count == 9)
    }
}

import ControlProtocol
import Credentials
import Foundation
import Testing

@testable import Fleet

@Suite struct IdentityFolderTests {
    private let fleet: TestFleet
    private let place: TestFolder
    private let folder: IdentityFolder
    private let profile = FleetProfile(fleet: "example", server: "hq:50000")
    private static let role = FleetRole.client(.make())

    init() throws {
        (fleet, place) = (try TestFleet(), try TestFolder())
        folder = IdentityFolder(path: "\(place.path)/var/identity")
    }

    private func write(_ roles: [FleetRole] = [role]) throws {
        let (key, issued) = try fleet.issue(roles)
        try folder.write(
            key: key, certificate: issued.pem, authority: fleet.made.rootCertificate, profile: profile)
    }

    private func refusal(_ body: () throws(FleetIdentityError) -> Void) -> String {
        do throws(FleetIdentityError) {
            try body()
            return ""
        } catch { return error.reason }
    }

    @Test func identityIsReadAsItWasWritten() throws {
        let (key, issued) = try fleet.issue([Self.role])
        #expect(!folder.exists)
        try folder.write(key: key, certificate: issued.pem, authority: fleet.made.rootCertificate, profile: profile)
        #expect(folder.exists)
        let identity = try folder.read()
        #expect(String(decoding: identity.certificate, as: UTF8.self) == issued.pem)
        #expect(String(decoding: identity.privateKey, as: UTF8.self) == key.pem)
        #expect(String(decoding: identity.authority, as: UTF8.self) == fleet.made.rootCertificate)
        #expect(identity.peer == FleetPeer(roles: [Self.role], serial: issued.serial))
        #expect(identity.notBefore == issued.notBefore && identity.notAfter == issued.notAfter)
        #expect(identity.profile == profile)
    }

    @Test func onlyTheOwnerReadsTheKey() throws {
        try write()
        #expect(place.mode("var/identity") == 0o700)
        #expect(place.mode("var/identity/identity.pem") == 0o600)
        #expect(place.mode("var/identity/authority.pem") == 0o644)
        #expect(place.mode("var/identity/fleet.json") == 0o644)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 3)
    }

    @Test func oneFileOfKeyAndCertificatesServesAListener() throws {
        try write([.server, Self.role])
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.identityPath))
        let root = try Data(contentsOf: URL(fileURLWithPath: folder.authorityPath))
        let answer = CredentialMain.answer(.check(certificate: bytes, privateKey: bytes, authority: root))
        guard case .sound(let facts) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(facts.subject.contains("CN=tested"))
    }

    @Test func readerSeesTheOldOrTheNewPairAndNeverAMixture() async throws {
        try write()
        let folder = folder
        let pairs = try (0..<40).map { _ in try fleet.issue([Self.role]) }
        let reader = Task.detached {
            var seen: Set<String> = []
            while !Task.isCancelled {
                seen.insert(try folder.read().peer.serial)
                // On a pool of few threads the one that writes may need this one.
                await Task.yield()
            }
            return seen
        }
        for (key, issued) in pairs {
            try folder.replace(key: key, certificate: issued.pem)
            await Task.yield()
        }
        reader.cancel()
        // Each read checked that the key belongs to the certificate.
        let seen = try await reader.value
        #expect(seen.isSubset(of: Set(pairs.map(\.certificate.serial)).union(seen.prefix(1))))
        #expect(try folder.read().peer.serial == pairs.last?.certificate.serial)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 3)
    }

    @Test func whatDoesNotBelongTogetherIsRefusedAndTheOldOneStays() throws {
        try write()
        let before = try place.text("var/identity/identity.pem")
        let (key, issued) = try fleet.issue([Self.role])
        let (other, foreign) = try TestFleet().issue([Self.role])
        #expect(
            refusal { () throws(FleetIdentityError) in try folder.replace(key: other, certificate: issued.pem) }
                == "the new certificate: the private key does not belong to the certificate")
        #expect(
            refusal { () throws(FleetIdentityError) in try folder.replace(key: other, certificate: foreign.pem) }
                .contains("does not come from the authority in \(folder.authorityPath)"))
        #expect(
            refusal { () throws(FleetIdentityError) in try folder.replace(key: key, certificate: "") }
                == "the new certificate holds no certificate in PEM")
        #expect(try place.text("var/identity/identity.pem") == before)
    }

    @Test func writeThatFailsAtItsEndLeavesNothingBeside() throws {
        try write()
        try FileManager.default.removeItem(atPath: folder.identityPath)
        // A folder with something in it cannot be replaced by a file.
        try FileManager.default.createDirectory(
            atPath: folder.identityPath + "/x", withIntermediateDirectories: true)
        let (key, issued) = try fleet.issue([Self.role])
        let said = refusal { () throws(FleetIdentityError) in try folder.replace(key: key, certificate: issued.pem) }
        #expect(said == "\(folder.identityPath) cannot be written: Is a directory")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 3)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func writeThatIsNotAllowedLeavesTheOldOne() throws {
        try write()
        let before = try place.text("var/identity/identity.pem")
        let (key, issued) = try fleet.issue([Self.role])
        for path in ["", "/identity.pem", "/authority.pem"] { chmod(folder.path + path, 0o755) }
        // This thread alone is somebody else to the file system (setfsuid(2)).
        typealias SetUser = @convention(c) (uid_t) -> CInt
        let setUser = unsafeBitCast(try #require(dlsym(nil, "setfsuid")), to: SetUser.self)
        _ = setUser(65_534)
        let said = refusal { () throws(FleetIdentityError) in try folder.replace(key: key, certificate: issued.pem) }
        _ = setUser(0)
        #expect(said == "\(folder.identityPath) cannot be written: Permission denied")
        #expect(try place.text("var/identity/identity.pem") == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 3)
    }

    @Test func linkIsReplacedAndWhatItLedToIsNot() throws {
        try write()
        try place.write("secret", "of another")
        try FileManager.default.removeItem(atPath: folder.identityPath)
        symlink("\(place.path)/secret", folder.identityPath)
        let (key, issued) = try fleet.issue([Self.role])
        try folder.replace(key: key, certificate: issued.pem)
        #expect(try place.text("secret") == "of another")
        #expect(try folder.read().peer.serial == issued.serial)
        #expect(place.mode("var/identity/identity.pem") == 0o600)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func ownerStaysAndANewOneIsGiven() throws {
        let (key, issued) = try fleet.issue([Self.role])
        try folder.write(
            key: key, certificate: issued.pem, authority: fleet.made.rootCertificate, profile: profile,
            owner: (65_534, 65_534))
        for file in ["", "/identity.pem", "/authority.pem", "/fleet.json"] {
            #expect(owner(folder.path + file) == 65_534, "\(file)")
        }
        #expect(owner("\(place.path)/var") == 0)
        try folder.replace(key: key, certificate: try fleet.issue([Self.role], key: key).certificate.pem)
        #expect(owner(folder.identityPath) == 65_534)
    }

    private func owner(_ path: String) -> uid_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_uid : nil
    }

    @Test func eachDamageOfAFolderHasItsOwnSentence() throws {
        func said(_ name: String, _ text: String?) throws -> String {
            try write()
            let path = "\(folder.path)/\(name)"
            if let text {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            } else {
                try FileManager.default.removeItem(atPath: path)
            }
            return refusal { () throws(FleetIdentityError) in _ = try folder.read() }
        }
        let identity = folder.identityPath
        #expect(try said("identity.pem", nil) == "\(identity) cannot be read: No such file or directory")
        #expect(try said("identity.pem", "x").hasPrefix("\(identity) holds no private key that could be read"))
        #expect(
            try said("identity.pem", try IdentityKey.make().pem) == "\(identity) holds no certificate in PEM")
        #expect(
            try said("identity.pem", String(repeating: "x", count: 300 << 10))
                == "\(identity) is larger than 256 KiB: it is something else")
        #expect(
            try said("authority.pem", try TestFleet().made.rootCertificate)
                .contains("the certificate does not come from the authority in \(folder.authorityPath)"))
        #expect(
            try said("fleet.json", "{}")
                == "\(folder.profilePath) does not say which fleet this is: fleet: it is missing")
        #expect(
            try said("fleet.json", #"{"fleet":"a","server":"b c"}"#).contains("is not where a server can be reached"))
        #expect(try said("fleet.json", "{").hasSuffix("it is not JSON"))
    }

    @Test func folderThatIsAFileIsRefused() throws {
        try place.write("var", "x")
        let (key, issued) = try fleet.issue([Self.role])
        let said = refusal { () throws(FleetIdentityError) in
            try folder.write(
                key: key, certificate: issued.pem, authority: fleet.made.rootCertificate, profile: profile)
        }
        #expect(said == "\(place.path)/var is there and is no folder")
    }
}

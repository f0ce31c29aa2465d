import Foundation
import Testing

@testable import Fleet

/// A fleet's authority, and certificates by it.
struct TestFleet {
    let made: MadeAuthority
    let authority: FleetAuthority

    init(at now: Timestamp = .now()) throws {
        made = try FleetAuthority.make(fleet: "example", at: now)
        authority = try FleetAuthority(
            issuingCertificate: made.issuingCertificate, issuingKey: made.issuingKey, root: made.rootCertificate)
    }

    func issue(
        _ roles: [FleetRole], key: IdentityKey? = nil, names: [String] = [], lifetime: Duration = .seconds(30 * 86_400),
        at now: Timestamp = .now()
    ) throws -> (key: IdentityKey, certificate: IssuedCertificate) {
        let key = try key ?? IdentityKey.make()
        let request = try SigningRequest(pem: try key.signingRequest(commonName: "tested"))
        return (
            key,
            try authority.issue(
                roles, to: request, commonName: "tested", names: names, lifetime: lifetime, at: now)
        )
    }
}

@Suite struct AuthorityTests {
    private static let client = FleetRole.client(.make())

    private func text(_ issued: IssuedCertificate, _ folder: TestFolder) throws -> String {
        try folder.write("leaf.pem", issued.pem)
        return try folder.openSSL("x509", "-in", "leaf.pem", "-noout", "-text")
    }

    @Test func certificateHasWhatTheFleetPromisesAndNothingElse() throws {
        let (fleet, folder) = (try TestFleet(), try TestFolder())
        let (_, issued) = try fleet.issue([Self.client])
        let text = try text(issued, folder)
        for part in [
            "Version: 3", "ASN1 OID: prime256v1", "Signature Algorithm: ecdsa-with-SHA256",
            "Subject: CN = tested, serialNumber = \(issued.serial)",
            "X509v3 Basic Constraints: critical\n                CA:FALSE",
            "X509v3 Key Usage: critical\n                Digital Signature\n",
            "TLS Web Server Authentication, TLS Web Client Authentication\n",
            "X509v3 Subject Alternative Name: \n                URI:\(Self.client)\n",
            "Issuer: CN = Muster issuing authority, O = example",
        ] { #expect(text.contains(part), "\(part) in \(text)") }
        let serial = try folder.openSSL("x509", "-in", "leaf.pem", "-noout", "-serial")
        #expect(serial == "serial=\(issued.serial)\n")
    }

    @Test func opensslVerifiesTheChainForBothPurposesAndUnderTheRootAlone() throws {
        let (fleet, folder) = (try TestFleet(), try TestFolder())
        let (_, issued) = try fleet.issue(
            [.server, Self.client], names: ["hq.example.org", "192.0.2.7", "2001:db8::7"])
        try folder.write("leaf.pem", issued.pem)
        try folder.write("root.pem", fleet.made.rootCertificate)
        try folder.write("issuing.pem", fleet.made.issuingCertificate)
        try folder.write("other.pem", try TestFleet().made.rootCertificate)
        for purpose in ["sslserver", "sslclient"] {
            let said = try folder.openSSL(
                "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "root.pem", "-untrusted", "issuing.pem",
                "-verify_hostname", "hq.example.org", "-verify_ip", "192.0.2.7", "leaf.pem")
            #expect(said == "leaf.pem: OK\n")
        }
        let direct = try folder.openSSL("verify", "-CAfile", "root.pem", "leaf.pem")
        #expect(direct.contains("unable to get local issuer certificate"), "\(direct)")
        let foreign = try folder.openSSL("verify", "-CAfile", "other.pem", "-untrusted", "issuing.pem", "leaf.pem")
        #expect(foreign.contains("verification failed"), "\(foreign)")
        let names = try folder.openSSL("x509", "-in", "leaf.pem", "-noout", "-ext", "subjectAltName")
        #expect(
            names.contains(
                "DNS:hq.example.org, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, URI:muster:server, URI:")
        )
    }

    @Test func leafCannotIssueAndIssuingCannotMakeAnotherAuthority() throws {
        let (fleet, folder) = (try TestFleet(), try TestFolder())
        let (key, issued) = try fleet.issue([Self.client])
        #expect(throws: FleetIdentityError.self) {
            try FleetAuthority(issuingCertificate: issued.pem, issuingKey: key.pem, root: fleet.made.rootCertificate)
                .issue(
                    [.server], to: try SigningRequest(pem: try key.signingRequest(commonName: "x")), commonName: "x",
                    lifetime: .seconds(60))
        }
        try folder.write("issuing.pem", fleet.made.issuingCertificate)
        let text = try folder.openSSL("x509", "-in", "issuing.pem", "-noout", "-text")
        #expect(text.contains("CA:TRUE, pathlen:0") && text.contains("Certificate Sign, CRL Sign"), "\(text)")
    }

    @Test func serversChainEndsInTheRootAndAClientsDoesNot() throws {
        let fleet = try TestFleet()
        let (_, server) = try fleet.issue([.server, Self.client])
        #expect(server.pem.hasSuffix(fleet.made.issuingCertificate + fleet.made.rootCertificate))
        let (_, client) = try fleet.issue([Self.client])
        #expect(client.pem.hasSuffix(fleet.made.issuingCertificate) && !client.pem.contains(fleet.made.rootCertificate))
    }

    @Test func datesAreThoseThatWereAskedForAndNeverBeyondTheIssuingCertificate() throws {
        let now = Timestamp(seconds: 1_800_000_000)
        let fleet = try TestFleet(at: now)
        let (_, issued) = try fleet.issue([Self.client], lifetime: .seconds(1000), at: now)
        #expect(issued.notBefore == Timestamp(seconds: 1_799_996_400))
        #expect(issued.notAfter == Timestamp(seconds: 1_800_001_000))
        let (_, long) = try fleet.issue([Self.client], lifetime: .seconds(50 * 365 * 86_400), at: now)
        #expect(long.notAfter == fleet.authority.notAfter)
        let late = fleet.authority.notAfter + .seconds(1)
        let error = #expect(throws: FleetIdentityError.self) { try fleet.issue([Self.client], at: late) }
        #expect(error?.reason.contains("has to be made with the root's key") == true)
    }

    @Test func partsOfDifferentFleetsAreRefused() throws {
        let (one, two) = (try TestFleet().made, try TestFleet().made)
        func refusal(_ certificate: String, _ key: String, _ root: String) -> String {
            do {
                _ = try FleetAuthority(issuingCertificate: certificate, issuingKey: key, root: root)
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            refusal(one.issuingCertificate, two.issuingKey, one.rootCertificate)
                == "the issuing key does not belong to the issuing certificate")
        #expect(
            refusal(one.issuingCertificate, one.issuingKey, two.rootCertificate)
                .hasPrefix("the issuing certificate does not come from the fleet's root"))
        #expect(refusal(one.issuingCertificate, one.issuingKey, one.issuingCertificate).contains("it is no root"))
        #expect(refusal("", one.issuingKey, one.rootCertificate).hasPrefix("the issuing certificate cannot be read"))
        #expect(refusal(one.issuingCertificate, "x", one.rootCertificate).contains("no private key"))
    }

    @Test(arguments: ["", "a b", "anna,serialNumber=00", "ä", "a\n", String(repeating: "n", count: 65)])
    func nameThatCouldBeTakenForMoreIsRefused(name: String) throws {
        let fleet = try TestFleet()
        let request = try SigningRequest(pem: try IdentityKey.make().signingRequest(commonName: "x"))
        #expect(throws: FleetIdentityError.self) {
            try fleet.authority.issue([Self.client], to: request, commonName: name, lifetime: .seconds(60))
        }
    }

    @Test(arguments: ["a,URI:muster:server", "", "a..b", "*.example.org", "a b", "1.2.3.4/8", "a\u{0}b"])
    func alternativeNameThatIsNoneIsRefused(name: String) throws {
        let fleet = try TestFleet()
        #expect(throws: FleetIdentityError.self) { try fleet.issue([.server], names: [name]) }
    }

    @Test func fingerprintIsOpenSSLs() throws {
        let (fleet, folder) = (try TestFleet(), try TestFolder())
        try folder.write("root.pem", fleet.made.rootCertificate)
        let said = try folder.openSSL("x509", "-in", "root.pem", "-noout", "-fingerprint", "-sha256")
        #expect(said.lowercased().filter(\.isHexDigit).hasSuffix(fleet.authority.fingerprint))
        #expect(fleet.authority.fingerprint.count == 64)
    }
}

@Suite struct SigningRequestTests {
    private func refusal(_ pem: String) -> String {
        do {
            _ = try SigningRequest(pem: pem)
            return ""
        } catch { return error.reason }
    }

    @Test func requestOfAKeyIsTakenAndOpenSSLAgrees() throws {
        let folder = try TestFolder()
        let pem = try IdentityKey.make().signingRequest(commonName: "ws-17")
        #expect(refusal(pem) == "")
        try folder.write("request.pem", pem)
        #expect(try folder.openSSL("req", "-in", "request.pem", "-verify", "-noout").contains("verify OK"))
        #expect(try folder.openSSL("req", "-in", "request.pem", "-noout", "-subject").contains("CN = ws-17"))
    }

    @Test func forgedSignatureIsRefused() throws {
        let lines = try IdentityKey.make().signingRequest(commonName: "ws-17").split(separator: "\n")
        var der = Array(try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined())))
        der[der.count - 1] ^= 1
        let forged =
            "-----BEGIN CERTIFICATE REQUEST-----\n\(Data(der).base64EncodedString(options: .lineLength64Characters))"
            + "\n-----END CERTIFICATE REQUEST-----\n"
        #expect(refusal(forged) == "the certificate request is not signed with the key that it asks for")
    }

    @Test(arguments: ["rsa:2048", "ec:secp384r1.pem", "ed25519", "ec:explicit.pem"])
    func keyOfAnotherKindIsRefused(kind: String) throws {
        let folder = try TestFolder()
        _ = try folder.openSSL("ecparam", "-name", "secp384r1", "-out", "secp384r1.pem")
        _ = try folder.openSSL(
            "ecparam", "-name", "prime256v1", "-param_enc", "explicit", "-out", "explicit.pem")
        _ = try folder.openSSL(
            "req", "-new", "-newkey", kind, "-nodes", "-keyout", "key.pem", "-subj", "/CN=x", "-out", "request.pem")
        #expect(
            refusal(try folder.text("request.pem"))
                == "the certificate request has a key of another kind than ECDSA P-256, which the fleet uses")
    }

    @Test func hugeTruncatedAndOtherTextIsRefused() throws {
        let pem = try IdentityKey.make().signingRequest(commonName: "ws-17")
        #expect(refusal(String(repeating: "A", count: 16 << 10 + 1)) == "the certificate request is larger than 16 KiB")
        for count in stride(from: 0, to: pem.utf8.count - 2, by: 7) {
            #expect(refusal(String(pem.prefix(count))).contains("no certificate request in PEM"), "\(count)")
        }
        #expect(refusal(try TestFleet().made.rootCertificate).contains("no certificate request in PEM"))
    }

    @Test func keyOfAnotherKindIsNoIdentity() throws {
        let folder = try TestFolder()
        _ = try folder.openSSL("genrsa", "-out", "key.pem", "2048")
        #expect(throws: FleetIdentityError.self) { try IdentityKey(pem: try folder.text("key.pem")) }
        #expect(throws: FleetIdentityError.self) { try IdentityKey(pem: "nothing") }
        let key = try IdentityKey.make()
        #expect(try IdentityKey(pem: "words\n" + key.pem).pem == key.pem)
        #expect(key.pem.hasPrefix("-----BEGIN PRIVATE KEY-----"))
    }
}

import ControlProtocol
import FoundationEssentials
import Testing

@testable import Credentials

@Suite struct CredentialTests {
    private func make(_ authority: CertificateOrder.Authority? = nil) throws -> MadeCertificate {
        let order = CertificateOrder(
            names: ["ws-17.example.org", "localhost"], addresses: ["127.0.0.1", "::1"], authority: authority)
        guard case .made(let made) = CredentialMain.answer(.make(order)) else { throw Missing() }
        return made
    }

    private struct Missing: Error {}

    private func flaw(_ certificate: Data, _ key: Data, _ authority: Data? = nil) -> CredentialFlaw? {
        let answer = CredentialMain.answer(.check(certificate: certificate, privateKey: key, authority: authority))
        if case .flawed(let flaw) = answer { return flaw }
        return nil
    }

    @Test func whatIsMadeIsSoundAndValidForAYear() throws {
        let made = try make()
        let answer = CredentialMain.answer(
            .check(
                certificate: made.certificate, privateKey: made.privateKey, authority: made.authority.certificate))
        guard case .sound(let facts) = answer else { throw Missing() }
        #expect(facts.subject == "CN=ws-17.example.org")
        let now = Int64(Date().timeIntervalSince1970)
        #expect(facts.notBefore < now && facts.notAfter > now + 390 * 86_400 && facts.notAfter < now + 398 * 86_400)
    }

    @Test func authorityIsKeptAtTheNextCertificate() throws {
        let first = try make()
        let second = try make(first.authority)
        #expect(second.authority == first.authority)
        #expect(second.certificate != first.certificate && second.privateKey != first.privateKey)
    }

    @Test func keyOfAnotherCertificateIsRefused() throws {
        let (one, two) = (try make(), try make())
        let flaw = flaw(one.certificate, two.privateKey)
        #expect(flaw?.part == .privateKey)
        #expect(flaw?.reason.hasPrefix("does not belong to the certificate of CN=ws-17.example.org") == true)
    }

    @Test(arguments: [
        "", "not PEM at all\n", "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ])
    func certificateThatIsNoneIsRefused(text: String) throws {
        let made = try make()
        #expect(flaw(Data(text.utf8), made.privateKey)?.part == .certificate)
        #expect(flaw(made.certificate, Data(text.utf8))?.part == .privateKey)
        #expect(flaw(made.certificate, made.privateKey, Data(text.utf8))?.part == .authority)
    }

    @Test func damagedSecondCertificateOfAChainIsRefused() throws {
        let made = try make()
        let damaged = Data("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        #expect(flaw(made.certificate + damaged, made.privateKey)?.part == .certificate)
        #expect(flaw(made.certificate + made.authority.certificate, made.privateKey) == nil)
    }

    @Test func encryptedKeyIsRefusedWithTheWayOutAndAsksNobody() throws {
        let made = try make()
        let text = """
            -----BEGIN ENCRYPTED PRIVATE KEY-----
            MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgq0wXk
            -----END ENCRYPTED PRIVATE KEY-----
            """
        let flaw = flaw(made.certificate, Data(text.utf8))
        #expect(flaw?.part == .privateKey && flaw?.reason.contains("openssl pkey") == true)
    }

    @Test(arguments: [
        CertificateOrder(names: ["a,IP:127.0.0.1"], addresses: [], authority: nil),
        CertificateOrder(names: ["a b"], addresses: [], authority: nil),
        CertificateOrder(names: ["a"], addresses: ["not-an-address"], authority: nil),
        CertificateOrder(names: ["a"], addresses: [], uris: ["muster:server,DNS:b"], authority: nil),
    ])
    func nameThatIsNoneIsAnErrorAndNoTrap(order: CertificateOrder) {
        guard case .failed(let reason) = CredentialMain.answer(.make(order)) else {
            Issue.record("a certificate was made")
            return
        }
        #expect(!reason.isEmpty)
    }
}

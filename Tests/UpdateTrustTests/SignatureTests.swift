import Files
import OpenSSL
import Testing

@testable import UpdateTrust

/// Who counts as having signed (TUF section 4.2.1, 4.3 and 5.3).
@Suite struct SignatureTests {
    private func key() throws -> SigningKey { try SigningKey.make(.ed25519) }

    @Test func tooFewSignaturesAreRefused() async throws {
        let publisher = try SimulatedPublisher()
        let keys = [try key(), try key()]
        publisher.keys["targets"] = keys
        publisher.listKeys()
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        try publisher.publish("targets", by: [keys[0]])
        #expect(await client.refusal() == .unsigned)
        try publisher.publish("targets", by: keys)
        #expect(await client.refusal() == nil)
    }

    @Test func signaturesOfUnknownKeysArePassedOver() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        try publisher.publish("timestamp", by: [try key()])
        #expect(await client.refusal() == .unsigned)
        try publisher.publish("timestamp", by: [try key()] + (publisher.keys["timestamp"] ?? []))
        #expect(await client.refusal() == nil)
    }

    @Test func aKeyThatSignsTwiceInOneFileIsRefused() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let key = try #require(publisher.keys["timestamp"]?.first)
        try publisher.publish("timestamp", by: [key, key])
        #expect(await (try SimulatedClient(publisher)).refusal() == .malformed)
    }

    /// A root whose timestamp is signed by two keys: one key, written in two ways.
    @Test(arguments: [true, false])
    func theSameKeyUnderTwoNumbersCountsOnce(_ isUpperCase: Bool) throws {
        let key = try key()
        let value = isUpperCase ? key.publicKey.value.uppercased() : key.publicKey.value
        let twin = try PublicKey([
            "keytype": "ed25519", "scheme": "ed25519", "keyval": ["public": .string(value)], "note": "twin",
        ])
        let fields = try JSONFields(
            ["keyids": [.string(key.id), .string(twin.id)], "threshold": 2], at: "")
        let role = try RoleKeys(fields, keys: [key.id: key.publicKey, twin.id: twin])
        let signature = try key.sign([1, 2, 3])
        let signatures = [key.id, twin.id].map { MetadataSignature(keyID: $0, bytes: signature) }
        #expect(twin.id != key.id && twin.verifies(signature, over: [1, 2, 3]))
        #expect(role.count(signatures, over: [1, 2, 3]) == 1)
    }

    @Test func aKeyUnderAWrongNumberDoesNotCount() throws {
        let key = try key()
        let fields = try JSONFields(["keyids": ["abc"], "threshold": 1], at: "")
        let role = try RoleKeys(fields, keys: ["abc": key.publicKey])
        let signature = MetadataSignature(keyID: "abc", bytes: try key.sign([1]))
        #expect(role.count([signature], over: [1]) == 0)
    }

    @Test func aRootNeedsTheFormerAndTheNewKeys() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let (former, new) = (publisher.keys["root"] ?? [], [try key()])
        let client = try SimulatedClient(publisher)
        publisher.keys["root"] = new
        publisher.listKeys()
        publisher.root["version"] = 2
        for signers in [former, new] {
            try publisher.publish("root", by: signers)
            #expect(await client.refusal() == .unsigned)
        }
        try publisher.publish("root", by: former + new)
        #expect(await client.refusal() == nil)
    }

    @Test func aChainOfAHundredRootsIsFollowedAndOneThatIsTooLongIsNot() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        for version in 2...100 {
            publisher.root["version"] = .integer(Int64(version))
            try publisher.publish("root")
        }
        let client = try SimulatedClient(publisher)
        #expect(try await client.client.refresh().metadata.root.role.version == 100)
        // 256 more are followed in one go, one more than that is not.
        for version in 101...356 {
            publisher.root["version"] = .integer(Int64(version))
            try publisher.publish("root")
        }
        let late = try SimulatedClient(publisher)
        try late.client.cache.write(try #require(publisher.repository.bytes("100.root.json")), as: RoleName.root)
        #expect(try await late.client.refresh().metadata.root.role.version == 356)
        publisher.root["version"] = 357
        try publisher.publish("root")
        #expect(await client.refusal() == .tooMany)
        #expect(try await client.client.refresh().metadata.root.role.version == 357)
    }

    @Test func aRootThatSkipsAVersionIsRefused() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        publisher.root["version"] = 3
        publisher.repository.put(
            "2.root.json", try SimulatedPublisher.sign(publisher.root, publisher.keys["root"] ?? []))
        #expect(await (try SimulatedClient(publisher)).refusal() == .mismatch)
    }

    @Test(arguments: SignatureScheme.allCases)
    func everySchemeSignsAndVerifies(_ scheme: SignatureScheme) throws {
        let key = try SigningKey(pem: try SigningKey.make(scheme).pem())
        let signature = try key.sign([1, 2, 3])
        #expect(key.publicKey.verifies(signature, over: [1, 2, 3]))
        #expect(!key.publicKey.verifies(signature, over: [1, 2, 4]))
        #expect(!key.publicKey.verifies(Array(signature.dropLast()), over: [1, 2, 3]))
        #expect(!key.publicKey.verifies([], over: [1, 2, 3]))
    }

    @Test func anEllipticKeyOfAnotherCurveNeitherSignsNorVerifies() throws {
        let folder = try TemporaryFolder()
        let (key, listed, content, signature) = (
            "\(folder.path)/key", "\(folder.path)/listed", "\(folder.path)/content", "\(folder.path)/signature"
        )
        try DurableFiles.replace(content, with: [1, 2, 3])
        let openssl = "/usr/bin/openssl"
        try RepositoryFixture.run(
            openssl, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", key)
        try RepositoryFixture.run(openssl, "pkey", "-in", key, "-pubout", "-out", listed)
        // With SHA-256, as the scheme has it, so that nothing but the curve is wrong.
        try RepositoryFixture.run(openssl, "dgst", "-sha256", "-sign", key, "-out", signature, content)
        let pem = try DurableFiles.read(key, upTo: 4096)
        #expect(throws: SigningFailure.self) { try SigningKey(pem: pem) }
        let value = String(decoding: try DurableFiles.read(listed, upTo: 4096), as: UTF8.self)
        let other = try PublicKey([
            "keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": ["public": .string(value)],
        ])
        #expect(!other.verifies(try DurableFiles.read(signature, upTo: 4096), over: [1, 2, 3]))
    }

    @Test func anRSAKeyOf1024BitsIsRefused() throws {
        let weak = [UInt8](try PrivateKey.make("RSA", bits: 1024).pem())
        #expect(throws: SigningFailure.self) { try SigningKey(pem: weak) }
    }
}

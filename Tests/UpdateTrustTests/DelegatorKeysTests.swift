import Testing

@testable import UpdateTrust

/// Two roles that delegate to one name, each with a key of its own.
@Suite struct DelegatorKeysTests {
    private let top: SigningKey
    private let first: SigningKey
    private let second: SigningKey
    private let expires: JSON = "2099-01-01T00:00:00Z"

    init() throws {
        top = try .make(.ed25519)
        first = try .make(.ed25519)
        second = try .make(.ed25519)
    }

    private func file(_ type: String, _ fields: [JSONObject.Member], by keys: [SigningKey]) throws -> [UInt8] {
        var signed = JSONObject([
            .init("_type", .string(type)), .init("spec_version", "1.0.31"), .init("version", 1),
            .init("expires", expires),
        ])
        for field in fields { signed[field.key] = field.value }
        let signatures = try keys.map { key -> JSON in
            let signature = try key.sign(JSON.object(signed).canonical)
            return ["keyid": .string(key.id), "sig": .string(signature.map { hex($0) }.joined())]
        }
        let envelope: JSON = ["signatures": .array(signatures), "signed": .object(signed)]
        return envelope.text
    }

    private func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    private func keys(_ keys: [SigningKey]) -> JSON {
        .object(JSONObject(keys.map { .init($0.id, $0.publicKey.json) }))
    }

    private func delegations(_ name: String, to key: SigningKey) -> JSON {
        [
            "keys": keys([key]),
            "roles": [
                [
                    "name": .string(name), "keyids": [.string(key.id)], "threshold": 1, "terminating": false,
                    "paths": ["*"],
                ]
            ],
        ]
    }

    /// What is trusted once `parent-a` and `parent-b` are there, both of which delegate to `release`.
    private func trusted() throws -> TrustedMetadata {
        let role: JSON = ["keyids": [.string(top.id)], "threshold": 1]
        let root = try file(
            "root",
            [
                .init("consistent_snapshot", true), .init("keys", keys([top])),
                .init("roles", ["root": role, "timestamp": role, "snapshot": role, "targets": role]),
            ], by: [top])
        var trusted = try TrustedMetadata(root: root, now: MetadataTime(seconds: 1_800_000_000))
        let one: JSON = ["version": 1]
        try trusted.update(timestamp: file("timestamp", [.init("meta", ["snapshot.json": one])], by: [top]))
        let roles: JSON = [
            "targets.json": one, "parent-a.json": one, "parent-b.json": one, "release.json": one,
        ]
        try trusted.update(snapshot: file("snapshot", [.init("meta", roles)], by: [top]))
        let parents: JSON = [
            "keys": keys([top]),
            "roles": .array(
                ["parent-a", "parent-b"].map { name in
                    [
                        "name": .string(name), "keyids": [.string(top.id)], "threshold": 1, "terminating": false,
                        "paths": ["*"],
                    ]
                }),
        ]
        let none: JSON = [:]
        try trusted.update(
            targets: file("targets", [.init("targets", none), .init("delegations", parents)], by: [top]), of: "targets",
            delegatedBy: nil)
        for (name, key) in [("parent-a", first), ("parent-b", second)] {
            let metadata = try file(
                "targets", [.init("targets", none), .init("delegations", delegations("release", to: key))], by: [top])
            try trusted.update(targets: metadata, of: name, delegatedBy: "targets")
        }
        return trusted
    }

    @Test func whatOneDelegatorTrustsIsNotTrustedForTheOther() throws {
        var trusted = try trusted()
        let release = try file("targets", [.init("targets", [:])], by: [first])
        try trusted.update(targets: release, of: "release", delegatedBy: "parent-a")
        let isThere = try trusted.has(targets: "release", delegatedBy: "parent-a")
        #expect(isThere)
        let error = #expect(throws: UpdateError.self) {
            _ = try trusted.has(targets: "release", delegatedBy: "parent-b")
        }
        #expect(error?.cause == .unsigned)
        // And whoever is no delegator of it at all has no say.
        #expect(throws: UpdateError.self) { _ = try trusted.has(targets: "release", delegatedBy: "targets") }
    }

    @Test func whatBothDelegatorsTrustIsThereForBoth() throws {
        var trusted = try trusted()
        let release = try file("targets", [.init("targets", [:])], by: [first, second])
        try trusted.update(targets: release, of: "release", delegatedBy: "parent-a")
        for parent in ["parent-b", "parent-a", "parent-b"] {
            let isThere = try trusted.has(targets: "release", delegatedBy: parent)
            #expect(isThere)
        }
        let isThere = try trusted.has(targets: "other", delegatedBy: "parent-a")
        #expect(!isThere)
    }
}

import Testing

@testable import UpdateTrust

/// Who is asked for a target, and in what order (TUF section 5.6.7).
@Suite struct DelegationTests {
    private struct Hop {
        var from: String
        var to: String
        var pattern = "*"
        var isTerminating = false
    }

    /// Publishes delegated roles that one key signs; `holders` sign for `a`, each with its own length.
    private func publish(_ hops: [Hop], holders: [String: Int64]) throws -> SimulatedPublisher {
        let publisher = try SimulatedPublisher()
        let key = try SigningKey.make(.ed25519)
        let names = Set(hops.flatMap { [$0.from, $0.to] })
        var meta = JSONObject()
        for name in names.union(["targets"]) {
            var role = SimulatedPublisher.role("targets", ["targets": [:]])
            if let length = holders[name] {
                let digest = String(repeating: "0", count: 64)
                role["targets"] = ["a": ["length": .integer(length), "hashes": ["sha256": .string(digest)]]]
            }
            let roles: [JSON] = hops.filter { $0.from == name }.map {
                [
                    "name": .string($0.to), "keyids": [.string(key.id)], "threshold": 1,
                    "terminating": .bool($0.isTerminating), "paths": [.string($0.pattern)],
                ]
            }
            role["delegations"] = [
                "keys": .object(JSONObject([.init(key.id, key.publicKey.json)])), "roles": .array(roles),
            ]
            meta["\(name).json"] = ["version": 1]
            if name == "targets" {
                publisher.targets = role
            } else {
                publisher.repository.put("1.\(name).json", try SimulatedPublisher.sign(role, [key]))
            }
        }
        publisher.snapshot["meta"] = .object(meta)
        try publisher.publish()
        return publisher
    }

    private func find(_ publisher: SimulatedPublisher) async throws -> UInt64? {
        let client = try SimulatedClient(publisher).client
        var trusted = try await client.refresh().metadata
        return try await client.find("a", in: &trusted)?.length
    }

    @Test func theFirstWhoSignsForAPathIsBelieved() async throws {
        let publisher = try publish(
            [Hop(from: "targets", to: "one"), Hop(from: "targets", to: "two"), Hop(from: "one", to: "deep")],
            holders: ["deep": 1, "two": 2])
        #expect(try await find(publisher) == 1)
    }

    @Test(arguments: [true, false])
    func nobodyBehindATerminatingDelegationIsAsked(_ isTerminating: Bool) async throws {
        let publisher = try publish(
            [Hop(from: "targets", to: "one", isTerminating: isTerminating), Hop(from: "targets", to: "two")],
            holders: ["two": 2])
        #expect(try await find(publisher) == (isTerminating ? nil : 2))
    }

    @Test func aCycleEnds() async throws {
        let publisher = try publish(
            [Hop(from: "targets", to: "one"), Hop(from: "one", to: "two"), Hop(from: "two", to: "one")], holders: [:])
        #expect(try await find(publisher) == nil)
    }

    @Test func everyHopMustCoverThePath() async throws {
        let hops = [Hop(from: "targets", to: "one", pattern: "b*"), Hop(from: "one", to: "two")]
        #expect(try await find(try publish(hops, holders: ["two": 2])) == nil)
        let covering = [Hop(from: "targets", to: "one", pattern: "a*"), Hop(from: "one", to: "two")]
        #expect(try await find(try publish(covering, holders: ["two": 2])) == 2)
    }

    /// One role, `one`, which signs for the path `a`, and who signs it.
    private func delegating(
        to key: SigningKey, expires: String = SimulatedRepository.later,
        scope: JSONObject.Member = .init("paths", ["*"])
    ) throws -> SimulatedPublisher {
        let publisher = try SimulatedPublisher()
        try delegate(publisher, to: key, version: 1, expires: expires, scope: scope)
        return publisher
    }

    private func delegate(
        _ publisher: SimulatedPublisher, to key: SigningKey, signedBy signer: SigningKey? = nil, version: Int64,
        expires: String = SimulatedRepository.later, scope: JSONObject.Member = .init("paths", ["*"])
    ) throws {
        var entry: JSONObject = [
            "name": "one", "keyids": [.string(key.id)], "threshold": 1, "terminating": false,
        ]
        entry[scope.key] = scope.value
        publisher.targets["delegations"] = [
            "keys": .object(JSONObject([.init(key.id, key.publicKey.json)])), "roles": [.object(entry)],
        ]
        var role = SimulatedPublisher.role(
            "targets",
            ["targets": ["a": ["length": 7, "hashes": ["sha256": .string(String(repeating: "0", count: 64))]]]])
        role["expires"] = .string(expires)
        publisher.repository.put("1.one.json", try SimulatedPublisher.sign(role, [signer ?? key]))
        (publisher.targets["version"], publisher.snapshot["version"]) = (.integer(version), .integer(version))
        publisher.timestamp["version"] = .integer(version)
        publisher.snapshot["meta"] = ["targets.json": ["version": .integer(version)], "one.json": ["version": 1]]
        publisher.timestamp["meta"] = ["snapshot.json": ["version": .integer(version)]]
        try publisher.publish()
    }

    private func refusal(_ client: SimulatedClient) async -> UpdateError.Cause? {
        do throws(UpdateError) {
            var trusted = try await client.client.refresh().metadata
            let target = try await client.client.find("a", in: &trusted)
            #expect(target?.length == 7)
            return nil
        } catch { return error.cause }
    }

    @Test func anExpiredDelegatedRoleIsRefused() async throws {
        let key = try SigningKey.make(.ed25519)
        let publisher = try delegating(to: key, expires: SimulatedRepository.past)
        #expect(await refusal(try SimulatedClient(publisher)) == .expired)
    }

    @Test func aCachedRoleCountsOnlyWithTheKeysItsDelegatorNamesNow() async throws {
        let (former, current) = (try SigningKey.make(.ed25519), try SigningKey.make(.ed25519))
        let publisher = try delegating(to: former)
        let client = try SimulatedClient(publisher)
        #expect(await refusal(client) == nil)
        // The key is taken out of use; whoever has it offers the role that it signed, of the same version.
        try delegate(publisher, to: current, signedBy: former, version: 2)
        #expect(await refusal(client) == .unsigned)
        try delegate(publisher, to: current, version: 3)
        publisher.repository.forgetRequests()
        #expect(await refusal(client) == nil)
        #expect(publisher.repository.requests.contains("1.one.json"))
    }

    /// SHA-256 of `a` is ca978112….
    @Test(arguments: [("ca978112", true), ("CA9", true), ("", true), ("ca978113", false), ("b", false)])
    func aRoleMayBeDelegatedToByBeginningsOfDigests(_ prefix: String, _ covers: Bool) async throws {
        let key = try SigningKey.make(.ed25519)
        let publisher = try delegating(to: key, scope: .init("path_hash_prefixes", [.string(prefix)]))
        let client = try SimulatedClient(publisher).client
        var trusted = try await client.refresh().metadata
        #expect(try await client.find("a", in: &trusted)?.length == (covers ? 7 : nil))
    }

    @Test func aMirrorLoadsEveryRoleOnceAndNoMoreThanItMay() async throws {
        let hops = [
            Hop(from: "targets", to: "one", pattern: "x"), Hop(from: "one", to: "two"), Hop(from: "targets", to: "two"),
            Hop(from: "two", to: "one"),
        ]
        let publisher = try publish(hops, holders: [:])
        let client = try SimulatedClient(publisher).client
        var trusted = try await client.refresh().metadata
        publisher.repository.forgetRequests()
        try await client.loadAll(&trusted)
        #expect(publisher.repository.requests == ["1.one.json", "1.two.json"])
        #expect(Set(trusted.targets.keys) == ["targets", "one", "two"])
        let error = await #expect(throws: UpdateError.self) { try await client.loadAll(&trusted, upTo: 2) }
        #expect(error?.cause == .tooMany)
    }

    @Test(arguments: [32, 33])
    func noMoreThan32RolesAreAsked(_ count: Int) async throws {
        let hops = (1...count).map { Hop(from: $0 == 1 ? "targets" : "r\($0 - 1)", to: "r\($0)") }
        let publisher = try publish(hops, holders: ["r\(count)": 7])
        if count == 32 {
            #expect(try await find(publisher) == 7)
        } else {
            let error = await #expect(throws: UpdateError.self) { try await find(publisher) }
            #expect(error?.cause == .tooMany)
        }
    }
}

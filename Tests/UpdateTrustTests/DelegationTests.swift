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

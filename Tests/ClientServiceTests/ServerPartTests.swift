import Fleet
import Testing

@testable import ClientService

@Suite("Who may ask what of :50000")
struct EndpointTests {
    private static let own = ClientID.make()
    private static let peers: [(String, FleetPeer?)] = [
        ("none", nil),
        ("viewer", FleetPeer(roles: [.admin(name: "v", .viewer)])),
        ("operator", FleetPeer(roles: [.admin(name: "o", .operator)])),
        ("admin", FleetPeer(roles: [.admin(name: "a", .admin)])),
        ("client", FleetPeer(roles: [.client(.make())])),
        ("server", FleetPeer(roles: [.server])),
        ("distributor", FleetPeer(roles: [.distributor(name: "d")])),
        ("own", FleetPeer(roles: [.client(own)])),
    ]

    /// The whole table: who is let in by the certificate.
    @Test func theTableOfRolesAndEndpoints() {
        let expected = """
            enroll: none viewer operator admin client server distributor own
            renew: client own
            heartbeat: client own
            lease: client own
            progress: client own
            result: client own
            clients: viewer operator admin
            client: viewer operator admin
            groups: viewer operator admin
            jobs: viewer operator admin
            job: viewer operator admin
            cancelJob: operator admin
            detections: viewer operator admin
            makeToken: admin
            tokens: admin
            deleteToken: admin
            revoke: admin
            backup: admin
            status: viewer operator admin server own
            """
        let actual = Endpoint.allCases.map { endpoint in
            let allowed = Self.peers.filter { Access.check(endpoint.access, $0.1, own: Self.own) == nil }.map(\.0)
            return "\(endpoint): \(allowed.joined(separator: " "))"
        }
        #expect(actual.joined(separator: "\n") == expected)
    }

    @Test func aStrangerIsToldToEnrolAndAMemberWhatIsMissing() {
        #expect(Access.check(.rank(.viewer), nil, own: nil)?.status == 401)
        let problem = Access.check(.rank(.admin), FleetPeer(roles: [.admin(name: "v", .viewer)]), own: nil)
        #expect(problem?.status == 403)
        #expect(
            problem?.detail
                == "Only administrators with the role admin may do that; the certificate is muster:admin/v?role=viewer."
        )
    }

    @Test(arguments: [
        ("POST", "/v1/jobs/lease", "lease"), ("GET", "/v1/jobs/0192", "job"), ("DELETE", "/v1/jobs/x", "cancelJob"),
        ("POST", "/v1/jobs/x/result", "result"), ("HEAD", "/v1/clients", "clients"),
        ("GET", "/v1/clients/a%20b", "client"),
        ("PUT", "/v1/jobs/x", "405"), ("POST", "/v1/clients", "405"), ("GET", "/v1/enroll", "405"),
        ("GET", "/v1/jobs/", "404"),
        ("GET", "/v1/jobs/x/result/y", "404"), ("GET", "/", "404"), ("GET", "", "404"), ("GET", "v1/jobs", "404"),
        ("GET", "//v1/jobs", "404"), ("GET", "/v1/../v1/jobs", "404"), ("OPTIONS", "*", "404"),
    ])
    func pathsAndMethods(_ method: String, _ path: String, _ expected: String) {
        let found =
            switch Endpoint.find(method: method, path: path[...], roles: [.server]) {
            case .success(let pair): "\(pair.0)"
            case .failure(let problem): "\(problem.status)"
            }
        #expect(found == expected)
    }

    @Test func aClientsPortAnswersItsStatusAlone() {
        for endpoint in Endpoint.allCases {
            let path = endpoint.path.replacing("{}", with: "x")
            let found = Endpoint.find(method: endpoint.method, path: path[...], roles: [.client])
            #expect(((try? found.get()) != nil) == (endpoint == .status))
        }
    }

    @Test(arguments: [
        ("/v1/clients?where=group%3Da+b&limit=5", "group=a b", 5), ("/v1/clients", nil, 100),
        ("/v1/clients?where=&limit=", nil, 100),
        ("/v1/clients?&&=x&where=%zz", nil, 100),
    ])
    func queries(_ target: String, _ selector: String?, _ limit: Int) throws {
        let query = Query(target)
        #expect(query["where"] == selector)
        #expect(try query.limit() == limit)
    }

    @Test(arguments: ["501", "-1", "x", "99999999999999999999"])
    func limitsAreBounded(_ text: String) { #expect(throws: Problem.self) { try Query("/?limit=\(text)").limit() } }

    @Test(arguments: [
        ("192.0.2.7:40112", "192.0.2.7"), ("[2001:db8::7]:1", "2001:db8::7"), ("[::ffff:192.0.2.7]:9", "192.0.2.7"),
        ("", ""),
    ])
    func addresses(_ text: String, _ expected: String) { #expect(text.addressWithoutPort == expected) }
}

@Suite("What clients may say")
struct WireBoundsTests {
    @Test func aHeartbeatIsKeptWithinBounds() {
        let long = String(repeating: "ü", count: 10_000)
        var heartbeat = Heartbeat(
            instance: long, boot: "", name: "a" + String(repeating: "\u{301}", count: 100_000), version: long,
            time: .now(), definitions: long,
            doorbells: [
                "poll": Doorbell(port: 50002), "low": Doorbell(port: 0), "high": Doorbell(port: .max),
                "far": Doorbell(address: long, port: 1), long: Doorbell(port: 1),
            ], statusHash: long)
        heartbeat.bound()
        #expect(heartbeat.name.utf8.count <= 253, "one character may have any number of bytes")
        #expect(heartbeat.instance.utf8.count == 64 && heartbeat.instance.allSatisfy { $0 == "ü" })
        #expect(heartbeat.version.utf8.count == 64 && heartbeat.statusHash.utf8.count == 64)
        #expect(heartbeat.definitions?.utf8.count == 128)
        #expect(heartbeat.doorbells == ["poll": Doorbell(port: 50002)])
        heartbeat.doorbells = (0..<1000).reduce(into: [:]) { $0["kind\($1)"] = Doorbell(port: 1) }
        heartbeat.bound()
        #expect(heartbeat.doorbells.isEmpty)
    }

    @Test(arguments: [("abc", 3, "abc"), ("abc", 2, "ab"), ("aüc", 2, "a"), ("🎈", 3, ""), ("", 0, "")])
    func textsAreCutBetweenCharacters(_ text: String, _ bytes: Int, _ expected: String) {
        #expect(text.cut(to: bytes) == expected)
    }

    /// What one client says must never make an answer too large for the bus, which others need.
    @Test func aResultWithItsJobCrossesTheBus() {
        #expect(Endpoint.result.bodyLimit + (64 << 10) + (24 << 10) < 256 << 10)
        #expect(Endpoint.enroll.bodyLimit <= 16 << 10, "it costs a stranger more than it costs the server")
    }
}

@Suite("Two machines with one identity")
struct InstanceHistoryTests {
    @Test func aRestartIsNoSecondMachine() {
        var history = InstanceHistory()
        for number in 0..<100 {
            let isFound = history.note("start \(number)")
            #expect(!isFound)
        }
    }

    @Test func aLateMessageOfADeadOneIsNone() {
        var history = InstanceHistory()
        for instance in ["a", "b", "a"] + Array(repeating: "b", count: 100) {
            let isFound = history.note(instance)
            #expect(!isFound)
        }
    }

    @Test func twoThatTakeTurnsAreFound() {
        var history = InstanceHistory()
        let found = (0..<10).first { history.note($0 % 2 == 0 ? "a" : "b") }
        #expect(found == 4, "three turns back")
    }

    private static let id = ClientID.make()

    private static func registry() -> ClientRegistry {
        let registry = ClientRegistry()
        registry.add(
            ClientRecord(id: id, name: "a", group: "g", enrolledAt: .now(), serial: "OLD", certificateEndsAt: .now()))
        return registry
    }

    private static func heartbeat(_ instance: String) -> Heartbeat {
        Heartbeat(instance: instance, boot: "", name: "a", version: "1", time: .now())
    }

    @Test func bothAreToldAndTheOldCertificateOnlyRenews() {
        let registry = Self.registry()
        var found = 0
        for turn in 0..<6 {
            let effect = registry.heard(Self.heartbeat(turn % 2 == 0 ? "a" : "b"), of: Self.id, from: "", at: .now())
            if effect.foundShared { found += 1 }
        }
        #expect(found == 1, "it is said once")
        #expect(registry.admit(Self.id, serial: "OLD") == .shared)
        registry.update(Self.id) { $0.nextSerial = "NEW" }
        #expect(registry.admit(Self.id, serial: "NEW") == .admitted)
        #expect(registry.admit(Self.id, serial: "OLD") == .shared, "the second one may still come for its own")
    }

    /// The restart forgets who was the first; a second machine must not take the first one's certificate away.
    @Test func theSecondToRenewIsToldApartThroughARestart() {
        var record = ClientRecord(
            id: Self.id, name: "a", group: "g", enrolledAt: .now(), serial: "OLD", certificateEndsAt: .now())
        record.sharedSerial = "OLD"
        #expect(!ClientRegistry.Entry(record).isTaken(for: "a"), "nobody has renewed it")
        record.nextSerial = "FIRST"
        #expect(ClientRegistry.Entry(record).isTaken(for: "b"), "the first has one that it has not used yet")
        record.promote("FIRST")
        #expect(record.serial == "FIRST" && record.nextSerial == nil)
        var entry = ClientRegistry.Entry(record)
        #expect(entry.isTaken(for: "b"), "the first uses it")
        entry.renewedBy = "a"
        #expect(!entry.isTaken(for: "a"), "its answer got lost")
        #expect(entry.isTaken(for: "b"))
    }

    @Test func aNewCertificateTakesThePlaceOfTheOldWhenItIsUsed() {
        let registry = Self.registry()
        registry.update(Self.id) { $0.nextSerial = "NEW" }
        #expect(registry.admit(Self.id, serial: "OLD") == .admitted, "its answer may have got lost")
        #expect(registry.admit(Self.id, serial: "NEW") == .admitted)
        guard case .refused(let problem) = registry.admit(Self.id, serial: "OLD") else {
            Issue.record("the old one was taken")
            return
        }
        #expect(problem.code == .superseded)
        guard case .refused(let other) = registry.admit(Self.id, serial: "") else {
            Issue.record("no serial was taken")
            return
        }
        #expect(other.code == .superseded)
    }

    @Test func aRevokedClientIsRefusedAtOnce() {
        let registry = Self.registry()
        registry.revoke(FleetRole.client(Self.id).subject, client: Self.id)
        guard case .refused(let problem) = registry.admit(Self.id, serial: "OLD") else {
            Issue.record("it was let in")
            return
        }
        #expect(problem.code == .revoked)
        #expect(registry.refusal(of: .admin(name: "x", .admin)) == nil)
        registry.revoke("muster:admin/x", client: nil)
        for rank in FleetRole.Rank.allCases { #expect(registry.refusal(of: .admin(name: "x", rank))?.code == .revoked) }
    }
}

@Suite("Long polls")
struct LeaseWaitersTests {
    private let client = ClientID.make()
    private let soon = ContinuousClock.now + .seconds(60)

    @Test func whatComesBeforeTheWaitIsNotMissed() async {
        let waiters = LeaseWaiters()
        let ticket = waiters.begin(client, until: soon)
        waiters.wake(client)
        #expect(await waiters.wait(ticket) == .look)
    }

    @Test func aNewerOneEndsTheOlder() async {
        let waiters = LeaseWaiters()
        let first = waiters.begin(client, until: soon)
        async let old = waiters.wait(first)
        let second = waiters.begin(client, until: soon)
        #expect(await old == .superseded)
        waiters.finish(first)
        #expect(waiters.isWaiting(client), "the end of the older one is not the end of the newer")
        waiters.wake(client)
        #expect(await waiters.wait(second) == .look)
        waiters.finish(second)
        #expect(!waiters.isWaiting(client))
    }

    @Test func timeHandOverAndAClientThatLeavesEndThem() async {
        let waiters = LeaseWaiters()
        let first = waiters.begin(client, until: soon)
        waiters.expire(at: soon)
        #expect(await waiters.wait(first) == .timeout)
        let second = waiters.begin(client, until: soon)
        let task = Task { await waiters.wait(second) }
        task.cancel()
        #expect(await task.value == .superseded)
        let third = waiters.begin(client, until: soon)
        waiters.endAll()
        #expect(await waiters.wait(third) == .handover)
        let late = waiters.begin(.make(), until: soon)
        #expect(await waiters.wait(late) == .handover, "none is begun while it hands over")
    }

    @Test func aHandOverIsNotForgottenForWhatComesBehindIt() async {
        let waiters = LeaseWaiters()
        let ticket = waiters.begin(client, until: soon)
        waiters.endAll()
        waiters.wake(client)
        #expect(await waiters.wait(ticket) == .handover)
        waiters.reopen()
        let next = waiters.begin(client, until: soon)
        waiters.wake(client)
        #expect(await waiters.wait(next) == .look)
    }

    @Test func aBucketGivesItsRateAndNoMore() {
        let start = SuspendingClock.now
        var bucket = TokenBucket(rate: 1000, at: start)
        let asked: [(wanted: Int, after: Duration)] = [
            (5000, .zero), (5000, .zero), (5000, .milliseconds(50)), (10, .seconds(100)), (5000, .seconds(100)),
        ]
        let given = asked.map { bucket.take(upTo: $0.wanted, at: start + $0.after) }
        #expect(given == [100, 0, 50, 10, 90], "a tenth of a second's at once, and then the rate")
    }

    @Test func theDispatcherTellsEveryone() async {
        let told = AsyncStream.makeStream(of: ClientID.self)
        let dispatcher = Dispatcher(rate: 10_000) { told.continuation.yield($0) }
        let clients = (0..<1500).map { _ in ClientID.make() }
        let start = SuspendingClock.now
        dispatcher.add(Array(clients.prefix(700)))
        dispatcher.add(Array(clients.dropFirst(700)))
        var seen: [ClientID] = []
        for await client in told.stream {
            seen.append(client)
            if seen.count == clients.count { break }
        }
        #expect(seen == clients)
        #expect(SuspendingClock.now - start >= .milliseconds(50), "1500 at 10000 a second, with a burst of 1000")
    }
}

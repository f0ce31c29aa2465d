import Fleet
import FoundationEssentials
import Glibc
import Locks
import NetworkTesting
import Testing

@testable import FleetAdmin

@Suite struct EnrolmentTests {
    private func failure(
        _ bench: EnrolmentBench, _ enrolment: Enrolment? = nil, at now: Timestamp = .now()
    ) async throws -> EnrolmentFailure {
        let enrolment = try enrolment ?? bench.enrolment()
        return try #require(await onThread { bench.failure(enrolment, at: now) })
    }

    private static func day(_ number: Int) -> Timestamp { .now() + .seconds(number * 86_400) }

    // MARK: It succeeds

    @Test func machineGetsAnIdentityOfItsOwnAndTellsTheServerNothingMoreThanItMust() async throws {
        let bench = try EnrolmentBench()
        let enrolment = try bench.enrolment()
        let enrolled = try #require(await onThread { try? enrolment.run() })
        #expect(enrolled.group == "office" && enrolled.fleet == "example")
        #expect(enrolled.server == ServerAddress(host: "127.0.0.1", port: Int(bench.server.port)))
        let identity = try bench.folder.read()
        #expect(identity.peer.client == enrolled.client && identity.notAfter == enrolled.notAfter)
        #expect(identity.profile == FleetProfile(fleet: "example", server: "127.0.0.1:\(bench.server.port)"))
        #expect(String(decoding: identity.authority, as: UTF8.self) == bench.authority.root)
        let request = try #require(bench.requests.withLock { $0.first })
        #expect(request.token == enrolment.token.secret && request.name == "ws-17")
        #expect(!request.request.contains("PRIVATE KEY"))
        // One connection to find out who it is, and one for the request.
        #expect(bench.server.accepted == 2)
    }

    @Test func identityThatIsThereIsReplacedOnlyWhereThatIsWanted() async throws {
        let bench = try EnrolmentBench()
        let first = try bench.enrolment()
        let before = try #require(await onThread { try? first.run() })
        let refused = try await failure(bench)
        #expect(refused.message == "this machine has an identity already, in \(bench.folder.path)")
        #expect(bench.requests.withLock { $0.count } == 1)
        #expect(try bench.folder.read().peer.client == before.client)
        var again = try bench.enrolment()
        again.replaces = true
        let last = again
        let after = try #require(await onThread { try? last.run() })
        #expect(after.client != before.client)
        #expect(try bench.folder.read().peer.client == after.client)
    }

    // MARK: Each failure has its own sentence

    @Test func nobodyListens() async throws {
        let bench = try EnrolmentBench()
        let (token, enrolment) = (try bench.token(), try bench.enrolment())
        bench.server.stop()
        var said = try await failure(bench, enrolment)
        // The listener's thread closes it a moment later.
        while said.code != .unreachable { said = try await failure(bench, enrolment) }
        #expect(said.message == "the server \(token.server) cannot be reached: Connection refused")
        #expect(!bench.folder.exists)
    }

    @Test func nobodyIsCalledThat() async throws {
        let bench = try EnrolmentBench()
        let token = try EnrolmentToken(
            server: "no-such-host.invalid", authority: bench.authority.fingerprint, secret: TokenSecret.make())
        let said = try await failure(bench, bench.enrolment(token))
        #expect(said.code == .unresolved)
        #expect(said.message.hasPrefix("the server no-such-host.invalid cannot be found: "))
    }

    @Test func somebodyListensAndSaysNothing() async throws {
        let mute = try ScriptedServer { $0.waitForClose() }
        let probe = AuthorityProbe(
            server: ServerAddress(host: "127.0.0.1", port: Int(mute.port)), fingerprint: "",
            timeout: .milliseconds(300))
        let said = await onThread { () -> EnrolmentFailure? in
            do throws(EnrolmentFailure) {
                _ = try probe.root()
                return nil
            } catch { return error }
        }
        #expect(said?.code == .noAnswer)
        #expect(said?.message == "the server 127.0.0.1:\(mute.port) gave no answer within 1 s")
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "220 mail\r\n"])
    func somethingElseThanTLSListens(greeting: String) async throws {
        let bench = try EnrolmentBench()
        let plain = try ScriptedServer { connection in
            try connection.write(greeting)
            connection.waitForClose()
        }
        let token = try EnrolmentToken(
            server: "127.0.0.1:\(plain.port)", authority: bench.authority.fingerprint, secret: TokenSecret.make())
        let said = try await failure(bench, bench.enrolment(token))
        #expect(
            said.message == "what answers at 127.0.0.1:\(plain.port) does not speak TLS: it is no company server")
    }

    @Test func connectionIsClosedAtOnceOrBrokenOff() async throws {
        let bench = try EnrolmentBench()
        for script in [{ _ in }, { try $0.write([0x15, 3, 3, 0, 2, 2, 40]) }] as [ScriptedServer.Script] {
            let short = try ScriptedServer(script: script)
            let token = try EnrolmentToken(
                server: "127.0.0.1:\(short.port)", authority: bench.authority.fingerprint, secret: TokenSecret.make())
            let said = try await failure(bench, bench.enrolment(token))
            #expect(said.code == .notTLS || said.code == .unreachable, "\(said)")
        }
    }

    @Test func tokenIsOfAnotherFleet() async throws {
        let bench = try EnrolmentBench()
        let said = try await failure(
            bench, bench.enrolment(bench.token(authority: String(repeating: "ab", count: 32))))
        #expect(
            said.message
                == "another server answers at 127.0.0.1:\(bench.server.port), or the token is of another fleet")
        // Whoever it is was told nothing.
        #expect(bench.requests.withLock { $0.isEmpty } && !bench.folder.exists)
    }

    /// The root is public: to show it proves nothing.
    @Test func serverThatShowsTheFleetsRootBehindACertificateOfItsOwnIsNotBelieved() async throws {
        let bench = try EnrolmentBench()
        let thief = try TestIssuer("thief").issue(["URI:muster:server", "IP:127.0.0.1"])
        let server = try ScriptedServer(
            .init(
                .init(
                    certificate: thief.certificate + Data(bench.made.rootCertificate.utf8),
                    privateKey: thief.privateKey))
        ) { $0.waitForClose() }
        let token = try EnrolmentToken(
            server: "127.0.0.1:\(server.port)", authority: bench.authority.fingerprint, secret: TokenSecret.make())
        let said = try await failure(bench, bench.enrolment(token))
        #expect(said.code == .untrusted)
        #expect(said.message.contains("does not come from the authority of the token"), "\(said)")
    }

    @Test func memberOfTheFleetThatIsNotItsServerIsNotBelieved() async throws {
        let bench = try EnrolmentBench(roles: [.client(.make())])
        let said = try await failure(bench)
        #expect(
            said.message
                == "what answers at 127.0.0.1:\(bench.server.port) belongs to the fleet and is not its server")
        #expect(bench.requests.withLock { $0.isEmpty })
    }

    @Test func clockOfThisMachineIsBehind() async throws {
        let bench = try EnrolmentBench()
        let said = try await failure(bench, at: Self.day(-3))
        #expect(said.code == .clockSkew && said.advice?.hasPrefix("Set the clock of this machine") == true)
        #expect(said.message.hasSuffix(": it is at least 2 days behind"), "\(said)")
    }

    @Test func serversCertificateHasEndedOrThisMachinesClockIsAhead() async throws {
        let bench = try EnrolmentBench(begin: Self.day(-30), life: .seconds(86_400 * 10))
        let said = try await failure(bench)
        #expect(said.code == .clockSkew)
        #expect(said.message.hasPrefix("the server's certificate ended on 20"), "\(said)")
        #expect(said.message.hasSuffix(", which is 20 days later"), "\(said)")
    }

    @Test(arguments: [
        (Problem.Code.tokenExpired, "the token ended on Monday; make a new one"),
        (.tokenUsedUp, "the token is used up"), (.clockSkew, "the clock of this machine is 3 hours ahead"),
    ])
    func whatTheServerRefusesIsShownAsItSaysIt(code: Problem.Code, detail: String) async throws {
        let bench = try EnrolmentBench(.problem(Problem(403, code, detail + ".")))
        let said = try await failure(bench)
        #expect(said == EnrolmentFailure(.refused, detail))
        #expect(!bench.folder.exists)
    }

    @Test func answersThatAreNoneAreCalledSo() async throws {
        for (status, body) in [("502 Bad Gateway", "<html>"), ("200 OK", "{}"), ("201 Created", "{}")] {
            let bench = try EnrolmentBench(.bytes(status: status, Array(body.utf8)))
            let said = try await failure(bench)
            #expect(said.code == .misunderstood && said.message.contains(status.prefix(3)), "\(said)")
        }
        let huge = try EnrolmentBench(.bytes(status: "201 Created", [UInt8](repeating: 0x20, count: 300 << 10)))
        #expect(try await failure(huge).code == .noAnswer)
        #expect(try await failure(EnrolmentBench(.nothing)).code == .noAnswer)
    }

    @Test func certificateOfAnotherKeyIsNotKept() async throws {
        let bench = try EnrolmentBench(.otherKey)
        let said = try await failure(bench)
        #expect(said.code == .local && said.message.contains("the private key does not belong to the certificate"))
        #expect(!bench.folder.exists)
    }

    @Test(arguments: ["", "a b", "ws,17"]) func nameThatIsNoneIsRefusedBeforeAnybodyIsAsked(name: String) async throws {
        let bench = try EnrolmentBench()
        let said = try await failure(bench, bench.enrolment(name: name))
        #expect(said.code == .local && bench.server.accepted == 0)
    }

    @Test func folderThatCannotBeIsFoundOutBeforeAnybodyIsAsked() async throws {
        let bench = try EnrolmentBench()
        var enrolment = try bench.enrolment()
        enrolment.folder = IdentityFolder(path: "/proc/no-such/identity")
        let said = try await failure(bench, enrolment)
        #expect(said.code == .local && said.message.hasPrefix("/proc/no-such cannot be made: "), "\(said)")
        #expect(bench.server.accepted == 0)
    }
}

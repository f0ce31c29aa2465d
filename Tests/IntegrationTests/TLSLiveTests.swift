import ControlProtocol
import Foundation
import TLSTesting
import Testing

extension LiveTests {
    /// TLS of a running host: sessions, certificates and roles through reloads and crashes.
    @Suite struct TLSLiveTests {
        // MARK: Sessions

        @Test(arguments: ["-tls1_2", "-tls1_3"])
        func sessionOutlivesAReloadAndACrashOfTheWorker(version: String) throws {
            let tls = try TLSHost()
            try tls.host.startAndWait()
            let worker = try tls.host.component("Web").pid
            let first = try tls.openSSL([version, "-ign_eof", "-sess_out", "session.pem"])
            #expect(first.contains("New, ") && first.contains("hello"), "\(first)")
            let again = try tls.openSSL([version, "-ign_eof", "-sess_in", "session.pem"])
            #expect(again.contains("Reused, "), "\(again)")

            try tls.configure(cache: "max-age=1")
            #expect(try tls.host.reload().result == .committed)
            let next = try tls.host.component("Web").pid
            #expect(next != worker)
            let afterReload = try tls.openSSL([version, "-ign_eof", "-sess_in", "session.pem"])
            #expect(afterReload.contains("Reused, ") && afterReload.contains("max-age=1"), "\(afterReload)")

            kill(try #require(next), SIGKILL)
            try tls.host.waitUntil("another worker runs") {
                let web = try tls.host.component("Web")
                return web.state == .running && web.pid != next
            }
            let afterCrash = try tls.openSSL([version, "-ign_eof", "-sess_in", "session.pem"])
            #expect(afterCrash.contains("Reused, ") && afterCrash.contains("hello"), "\(afterCrash)")
        }

        @Test func clientThatReconnectsResumesEachTime() throws {
            let tls = try TLSHost()
            try tls.host.startAndWait()
            let output = try tls.openSSL(["-tls1_2", "-reconnect"])
            // It connects once, and five times more.
            #expect(output.components(separatedBy: "Reused, ").count - 1 == 5, "\(output)")
        }

        // MARK: Certificates

        @Test func certificatesAreReplacedUnderLoadWithoutAFailedRequest() throws {
            let tls = try TLSHost()
            try tls.host.startAndWait()
            let worker = try tls.host.component("Web").pid
            let load = TLSLoad(port: try tls.port(), trusted: tls.authority.certificate)
            let rounds = 30
            for round in 1...rounds {
                try tls.show(try tls.authority.identity("round-\(round)"))
                let receipt = try tls.host.reload()
                #expect(receipt.result == .committed || receipt.result == .unchanged, "\(receipt)")
                #expect(receipt.components.first?.outcome == .renewed, "\(receipt)")
                try tls.host.waitUntil("certificate \(round) is shown") { try tls.get().subject == "CN=round-\(round)" }
            }
            let tally = load.stop()
            #expect(tally.failures.isEmpty, "\(tally.failures)\n\(tally.subjects)")
            #expect(tally.answered > 500, "\(tally.answered)")
            #expect(tally.subjects.count > rounds / 2, "\(tally.subjects)")
            #expect(try tls.host.component("Web").pid == worker)
            #expect(try tls.host.component("Web").restarts == 0)
        }

        @Test func badCertificateIsRefusedWithPlaceAndReasonAndTheOldOneStays() throws {
            let tls = try TLSHost()
            try tls.host.startAndWait()
            let other = try TestAuthority().server
            func expectRefusal(_ words: String..., breaking file: String, with data: Data, mode: mode_t = 0o600) throws
            {
                let former = try Data(contentsOf: URL(fileURLWithPath: "\(tls.host.directory)/\(file)"))
                try tls.host.replace(file, with: data)
                chmod("\(tls.host.directory)/\(file)", mode)
                let receipt = try tls.host.reload()
                #expect(receipt.result == .refused, "\(receipt)")
                let text = receipt.diagnostics.joined(separator: "\n")
                for word in words + ["config.yaml:", file] { #expect(text.contains(word), "\(word) in \(text)") }
                #expect(try tls.get().status == 200)
                try tls.host.replace(file, with: former)
                chmod("\(tls.host.directory)/\(file)", 0o600)
            }
            try expectRefusal("does not belong to the certificate", breaking: "host.key", with: other.privateKey)
            try expectRefusal("holds no certificate in PEM", breaking: "host.pem", with: Data("nothing".utf8))
            try expectRefusal("holds no private key", breaking: "host.key", with: Data())
            try expectRefusal(
                "read by everybody", "chmod", breaking: "host.key", with: tls.authority.server.privateKey, mode: 0o644)
            try FileManager.default.removeItem(atPath: "\(tls.host.directory)/host.pem")
            let receipt = try tls.host.reload()
            #expect(receipt.result == .refused)
            #expect(receipt.diagnostics.contains { $0.contains("cannot be read: No such file") }, "\(receipt)")
            #expect(try tls.get().status == 200)
        }

        @Test func certificateThatChangedOnDiskIsTakenOverWithoutAReloadAndABadOneIsNot() throws {
            let tls = try TLSHost(host: "\ndebug: true")
            try tls.host.start(variables: ["MUSTER_CREDENTIAL_PERIOD_MS": "50"])
            try tls.host.waitUntilRunning()
            let worker = try tls.host.component("Web").pid
            for round in 1...3 {
                try tls.show(try tls.authority.identity("round-\(round)"))
                try tls.host.waitUntil("certificate \(round) is shown") { try tls.get().subject == "CN=round-\(round)" }
            }
            #expect(
                tls.host.log.contains("took over what changed on disk: the certificate \(tls.host.directory)/host.pem"))

            try tls.host.replace("host.key", with: TestAuthority().server.privateKey)
            chmod("\(tls.host.directory)/host.key", 0o600)
            let words = "does not belong to the certificate of CN=round-3"
            try tls.host.waitUntil("the bad key is told about") { tls.host.log.contains(words) }
            #expect(tls.host.log.contains("listeners go on with what they had before it changed"))
            #expect(try tls.get().subject == "CN=round-3")

            try tls.show(try tls.authority.identity("round-4"))
            try tls.host.waitUntil("the next one is shown") { try tls.get().subject == "CN=round-4" }
            #expect(tls.host.log.components(separatedBy: words).count == 2, "told once")
            #expect(try tls.host.component("Web").pid == worker)
        }

        @Test(.enabled(if: geteuid() == 0, "needs root"))
        func hostReadsAnIdentityThatOnlyItsWorkersUserMayRead() throws {
            let tls = try TLSHost(host: "\nuser: nobody")
            let key = "\(tls.host.directory)/host.key"
            #expect(chown(key, 65_534, 65_534) == 0 && chmod(key, 0o600) == 0)
            try tls.host.startAndWait()
            #expect(try tls.get().status == 200)
        }

        @Test func startWithABadCertificateEndsWithTheReason() throws {
            let tls = try TLSHost()
            try tls.host.replace("host.pem", with: Data("nothing".utf8))
            try tls.host.start()
            #expect(try tls.host.waitForExit() == 78)
            #expect(tls.host.log.contains("holds no certificate in PEM"), "\(tls.host.log)")
            #expect(tls.host.log.contains("config.yaml:"), "\(tls.host.log)")
        }

        @Test func hostMakesItsOwnIdentityOnceAndKeepsTheKeysToItself() throws {
            let tls = try TLSHost(identity: false)
            try tls.host.startAndWait()
            let folder = "\(tls.host.directory)/data/identity"
            #expect(tls.host.log.contains("no host.identity is configured: made an authority and a certificate"))
            #expect(tls.host.log.contains("\(folder)/authority.pem"))
            #expect(mode(folder) == 0o700)
            for key in ["host.key", "authority.key"] { #expect(mode("\(folder)/\(key)") == 0o600, "\(key)") }
            let output = try tls.openSSL(
                ["-verify_hostname", "localhost", "-ign_eof"], authority: "data/identity/authority.pem")
            #expect(output.contains("Verification: OK") && output.contains("hello"), "\(output)")
            let authority = try tls.ownAuthority()
            #expect(try tls.host.stop() == 0)
            try tls.host.startAndWait()
            #expect(try tls.ownAuthority() == authority)
            #expect(tls.host.log.components(separatedBy: "made an authority").count == 2)
        }

        @Test func checkMakesNoIdentity() throws {
            let tls = try TLSHost(identity: false)
            let output = try Command.output(
                "env", ["\(LiveHost.products)/muster", "check", tls.host.configurationPath],
                directory: tls.host.directory)
            #expect(!FileManager.default.fileExists(atPath: "\(tls.host.directory)/data/identity"), "\(output)")
            #expect(!output.contains("error"), "\(output)")
        }

        // MARK: Clients

        @Test func clientWithAnotherRoleIsRefused() throws {
            let tls = try TLSHost(
                listen:
                    "{address: \"127.0.0.1:0\", client_certificate: required, allowed_clients: [\"muster:distributor/*\"]}"
            )
            try tls.host.startAndWait()
            let friend = try tls.authority.identity("north", uris: ["muster:distributor/north"])
            #expect(try tls.get(friend).status == 200)
            let client = try tls.authority.identity("ws-17", uris: ["muster:client/17"])
            #expect(try tls.get(client).status == 403)
            let stranger = try TestAuthority().identity("north", uris: ["muster:distributor/north"])
            #expect(throws: TLSClient.Failure.self) { try tls.get(stranger) }
            #expect(throws: TLSClient.Failure.self) { try tls.get() }
        }

        @Test func certificatesOfClientsNeedAnAuthority() throws {
            let tls = try TLSHost()
            try tls.host.configure(
                """
                Web:
                  listen: {updates: {address: "127.0.0.1:0", client_certificate: required}}
                  config: {repository: root}
                """, host: "identity: {certificate: host.pem, private_key: host.key}")
            try tls.host.start()
            #expect(try tls.host.waitForExit() == 78)
            #expect(tls.host.log.contains("name its PEM file in host.identity.authority"), "\(tls.host.log)")
        }

        private func mode(_ path: String) -> mode_t? {
            var status = stat()
            return stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
        }
    }
}

/// Clients that ask over TLS without pause, each answer on a new connection or on one that is kept.
final class TLSLoad: @unchecked Sendable {
    // Sendable: `tally` and `isStopping` are guarded by `lock`; the rest is constant or thread-safe.
    struct Tally {
        var answered = 0
        var failures: [String: Int] = [:]
        /// Answers by the certificate that was shown.
        var subjects: [String: Int] = [:]
    }

    private let lock = NSLock()
    private var tally = Tally()
    private var isStopping = false
    private let group = DispatchGroup()

    init(port: UInt16, trusted: Data) {
        for keepsAlive in [false, true] {
            group.enter()
            Thread.detachNewThread { [self] in
                defer { group.leave() }
                run(port, TLSClient.Settings(trusted: trusted), keepsAlive)
            }
        }
    }

    func stop() -> Tally {
        lock.withLock { isStopping = true }
        group.wait()
        return lock.withLock { tally }
    }

    private func run(_ port: UInt16, _ settings: TLSClient.Settings, _ keepsAlive: Bool) {
        let deadline = Date().addingTimeInterval(120)
        var kept: TLSClient?
        while !lock.withLock({ isStopping }), Date() < deadline {
            do {
                let client = try kept ?? TLSClient(port: port, settings)
                let answer = try client.exchange(TLSHost.get)
                guard answer.status == 200 else { throw LiveFailure("status \(answer.status)") }
                let subject = client.serversSubject
                kept = keepsAlive && !answer.head.contains("Connection: close") ? client : nil
                lock.withLock {
                    tally.answered += 1
                    tally.subjects[subject, default: 0] += 1
                }
            } catch {
                kept = nil
                lock.withLock { tally.failures["\(error)", default: 0] += 1 }
                usleep(1_000)
            }
        }
    }
}

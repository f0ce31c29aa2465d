import Fleet
import FleetAdmin
import Foundation
import NetworkTesting
import Testing

/// What a person reads where it does not work: the whole message, against a real company server.
@Suite("What the fleet's commands say where it does not work")
struct FleetCommandErrorTests {
    /// Without faketime(1) in the machine, what a wrong clock comes to cannot be asked.
    static let hasFaketime = access("/usr/bin/faketime", X_OK) == 0

    @Test func tokenThatIsNotTakenIsOneError() throws {
        let fleet = try CommandFleet()
        let address = "\(fleet.server.address):50000"
        let machine = try fleet.addMachine("alpha")
        func refusal(_ token: String) throws -> String {
            let said = try fleet.enroll(machine, token)
            #expect(said.status == 1 && said.output.isEmpty, "\(said)")
            #expect(!machine.folder.exists)
            return said.problem
        }
        let token = try fleet.token()
        // Of another fleet's authority, at this server's address.
        let other = try FleetAuthority.make(fleet: "other")
        let otherAuthority = try FleetAuthority(
            issuingCertificate: other.issuingCertificate, issuingKey: other.issuingKey, root: other.rootCertificate)
        let wrong = try EnrolmentToken(
            server: address, authority: otherAuthority.fingerprint, secret: try EnrolmentToken(token).secret)
        #expect(
            try refusal("\(wrong)")
                == "muster: another server answers at \(address), or the token is of another fleet "
                + "Compare the address with the company server's, and make a new token there.")
        // Once it has expired.
        let made: MadeTokenDocument = try fleet.muster(
            "fleet", "token", "create", "--group", "office", "--expires", "1s", "--json"
        ).document()
        try fleet.wait(until: "the token has expired") { Timestamp.now() > made.expiresAt }
        #expect(
            try refusal(made.token)
                == "muster: This token expired at \(made.expiresAt). Ask for a new one (muster fleet token create)")
        // Once it is deleted.
        let deleted: MadeTokenDocument = try fleet.muster(
            "fleet", "token", "create", "--group", "office", "--json"
        ).document()
        #expect(try fleet.muster("fleet", "token", "delete", "\(deleted.id)").output == "Deleted.\n")
        #expect(
            try refusal(deleted.token)
                == "muster: The company server does not know this token: it was deleted, has long expired, or is of "
                + "another fleet. Ask for a new one (muster fleet token create)")
        // Once it is used up.
        #expect(try fleet.enroll(machine, token).status == 0)
        let late = try fleet.addMachine("beta")
        let usedUp = try fleet.enroll(late, token)
        #expect(
            usedUp.status == 1
                && usedUp.problem
                    == "muster: This token was used as often as it may be. Ask for a new one (muster fleet token create)",
            "\(usedUp)")
        // Where there is nothing, or something else.
        func at(_ server: String) throws -> String {
            try fleet.enroll(
                late,
                "\(EnrolmentToken(server: server, authority: wrong.authority, secret: TokenSecret.make()))"
            ).problem
        }
        #expect(
            try at("127.78.\(fleet.network).99:50000")
                == "muster: the server 127.78.\(fleet.network).99:50000 cannot be reached: Connection refused "
                + "Check that it runs, and that no firewall between here and there keeps its port shut.")
        let web = try ScriptedServer { connection in
            _ = try connection.read(1)
            try connection.answer("400 Bad Request", text: "hello")
        }
        #expect(
            try at("127.0.0.1:\(web.port)")
                == "muster: what answers at 127.0.0.1:\(web.port) does not speak TLS: it is no company server "
                + "Compare the address and port with the company server's.")
    }

    private struct MadeTokenDocument: Decodable {
        var token: String
        var id: TokenID
        var expiresAt: Timestamp
    }

    @Test func administratorWhoIsNotTakenIsOneErrorAndExitsWith3() throws {
        let fleet = try CommandFleet()
        let address = fleet.server.address
        func problem(_ arguments: String..., identity: String? = nil, clock: String? = nil) throws -> String {
            let said = try CommandRun(arguments + ["--identity", identity ?? fleet.admin], clock: clock).wait()
            #expect(said.status == 3 && said.output.isEmpty, "\(said)")
            return said.problem
        }
        // Nothing listens, and something that is no company server.
        #expect(
            try problem("clients", "--server", "127.78.\(fleet.network).99:50000")
                == "muster: the company server cannot be reached at 127.78.\(fleet.network).99:50000: Connection refused "
                + "Is it on, does its host run (`muster status` there), and does the network let you through? "
                + "--server HOST:PORT names another address.")
        let web = try ScriptedServer { connection in
            _ = try connection.read(1)
            try connection.answer("400 Bad Request", text: "hello")
        }
        let plain = try problem("clients", "--server", "127.0.0.1:\(web.port)")
        #expect(
            plain.hasPrefix(
                "muster: what answers at 127.0.0.1:\(web.port) does not speak TLS as a company server does: ")
                && plain.hasSuffix(
                    " Check the address (--server HOST:PORT), and that both ends run the same version of Muster."),
            "\(plain)")
        let issuer = try TestIssuer()
        let stranger = try ScriptedServer(.init(try issuer.issue(["URI:muster:server", "IP:127.0.0.1"]))) {
            connection in
            _ = try connection.readHead()
        }
        let foreign = try problem("clients", "--server", "127.0.0.1:\(stranger.port)")
        #expect(
            foreign.hasPrefix(
                "muster: the server at 127.0.0.1:\(stranger.port) belongs to another fleet than your identity: ")
                && foreign.hasSuffix(
                    " Nothing was sent to it. Check the address (--server HOST:PORT) and the identity (--identity DIR)."
                ),
            "\(foreign)")
        // A group that is none, a selector that cannot be read: with the place.
        let group = try CommandRun(["poll", "--group", "cellar", "--wait", "--identity", fleet.admin]).wait()
        #expect(group.status == 3)
        #expect(
            group.errors == """
                muster: There is no group 'cellar'; `muster clients` shows the groups there are
                  group=cellar
                        ^

                """, "\(group)")
        let syntax = try CommandRun(["clients", "--where", "os=linux and (group office)", "--identity", fleet.admin])
            .wait()
        #expect(syntax.status == 3)
        #expect(
            syntax.errors == """
                muster: The selector cannot be read: '=', '!=', '<', '<=', '>', '>=' or '~' was expected after 'group', \
                not 'office'
                  os=linux and (group office)
                                      ^
                  A selector is like `group=office and not os=windows`, `name="pc 1"`, `definitions<41`, or `all`.

                """, "\(syntax)")
        // Whoever is put out, on every port.
        let otto = "\(fleet.server.live.directory)/otto"
        let added = try CommandRun([
            "fleet", "admin", "add", "otto", "--role", "operator", "--to", otto, "--config",
            fleet.server.live.configurationPath,
        ]).wait()
        #expect(added.status == 0, "\(added)")
        #expect(try CommandRun(["clients", "--identity", otto]).wait().status == 0)
        #expect(
            try problem("fleet", "token", "create", "--group", "office", identity: otto)
                == "muster: Only administrators with the role admin may do that; the certificate is "
                + "muster:admin/otto?role=operator `muster fleet admin add` on the company server makes an identity with another role."
        )
        let revoked = try fleet.muster("fleet", "revoke", "admin/otto")
        #expect(
            revoked.status == 0
                && revoked.output
                    == "admin/otto (muster:admin/otto) is revoked: the server refuses it from now on.\n",
            "\(revoked)")
        let refusal =
            "muster: the server at \(address):PORT refused your identity: The certificate of muster:admin/otto was "
            + "revoked; ask an administrator for a new one It will not be taken again. Make a new one with "
            + "`muster fleet admin add` on the company server."
        #expect(try problem("clients", identity: otto) == refusal.replacing("PORT", with: "50000"))
        #expect(try problem("poll", "--all", identity: otto) == refusal.replacing("PORT", with: "50002"))
        #expect(try problem("sweep", "--all", "--wait", identity: otto) == refusal.replacing("PORT", with: "50001"))
        // No identity at all, and a server that was stopped.
        #expect(
            try problem("clients", identity: "/nowhere")
                == "muster: there is no identity in /nowhere Make one with `muster fleet admin add` on the company server, "
                + "or name it: --identity DIR.")
        try fleet.server.live.stop()
        #expect(
            try problem("poll", "--all", "--wait").hasPrefix(
                "muster: the company server cannot be reached at \(address):50002: Connection refused Is it on, "))
    }

    @Test func clientThatWasRevokedIsToldAndComesBackWithANewToken() throws {
        let fleet = try CommandFleet(clients: ["alpha"])
        let alpha = fleet.clients[0]
        let former = try #require(try alpha.folder.read().peer.client)
        let revoked = try fleet.muster("fleet", "revoke", "alpha")
        #expect(
            revoked.status == 0
                && revoked.output
                    == "alpha (muster:client/\(former)) is revoked: the server refuses it from now on.\n",
            "\(revoked)")
        #expect(
            try fleet.muster("fleet", "revoke", "\(former)").output
                == "alpha (muster:client/\(former)) was revoked before.\n")
        #expect(try fleet.muster("clients").table("CLIENT").first { $0["CLIENT"] == "alpha" }?["STATE"] == "revoked")
        try fleet.wait(until: "the client says so") {
            alpha.live.log.contains(
                "This client was revoked; if that was a mistake, enrol it again with a new token (muster enroll --again)."
            )
        }
        let poll = try fleet.muster("poll", "--client", "\(former)", "--wait")
        #expect(poll.status == 3 && poll.problem.contains("No client is meant by"), "\(poll)")
        // It comes back by a token alone, and not without --again.
        let token = try fleet.token()
        let without = try fleet.enroll(alpha, token)
        #expect(without.status == 1)
        #expect(
            without.problem
                == "muster: this machine has an identity already, in \(alpha.folder.path) "
                + "It stays as it is. To replace it, give --again.")
        #expect(try fleet.enroll(alpha, token, "--again").status == 0)
        let polled = try fleet.muster("poll", "--where", "name=alpha", "--wait")
        #expect(polled.status == 0 && polled.output.hasSuffix("\n1 client: 1 succeeded.\n"), "\(polled)")
    }

    @Test(.enabled(if: hasFaketime, "needs the package faketime"))
    func clockThatIsWrongIsOneError() throws {
        // Ten days old, so that a clock that is a day behind is within the certificates of the server.
        let fleet = try CommandFleet(clock: "-10d")
        let address = "\(fleet.server.address):50000"
        let machine = try fleet.addMachine("alpha")
        let token = try fleet.token()
        func skewed(_ clock: String) throws -> String {
            let said = try fleet.enroll(machine, token, clock: clock)
            #expect(said.status == 1 && !machine.folder.exists, "\(said)")
            return said.problem
        }
        func expectMatch(_ text: String, _ pattern: String) throws {
            #expect(try Regex(pattern).wholeMatch(in: text) != nil, "\(text)")
        }
        let time = #"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"#
        try expectMatch(
            try skewed("+3d"),
            "muster: The client's clock is (3 days|2 days 23 hours) ahead of the company server's; set it, and enrol "
                + "again\\. The token was not used")
        try expectMatch(
            try skewed("-26h"),
            "muster: The client's clock is 1 day 2 hours behind the company server's; set it, and enrol again\\. The "
                + "token was not used")
        try expectMatch(
            try skewed("-20d"),
            "muster: the server's certificate is valid from \(time) on, and this machine's clock says \(time): it is at "
                + "least 9 days behind Set the clock of this machine, and enroll again: the token is not used up\\.")
        try expectMatch(
            try skewed("+400d"),
            "muster: the server's certificate ended on \(time), and this machine's clock says \(time), which is \\d+ "
                + "days later Set the clock of this machine if it is wrong; if it is right, the company server needs a "
                + "new certificate\\. The token is not used up\\.")
        #expect(try fleet.enroll(machine, token).status == 0, "the token was not used up by any of it")

        func problem(_ clock: String, identity: String) throws -> String {
            let said = try CommandRun(["clients", "--identity", identity], clock: clock).wait()
            #expect(said.status == 3, "\(said)")
            return said.problem
        }
        try expectMatch(
            try problem("-20d", identity: fleet.admin),
            "muster: your certificate is valid from \(time) on, and this machine's clock says \(time) Set this machine's "
                + "clock \\(`timedatectl` shows it\\) and try again\\.")
        try expectMatch(
            try problem("+400d", identity: fleet.admin),
            "muster: your certificate ended at \(time); this machine's clock says \(time) If the clock is right, make a "
                + "new one with `muster fleet admin add` on the company server\\.")
        // Certificates that outlive the server's, and one that has ended.
        let authority = try IssuingFolder(path: "\(fleet.server.live.directory)/authority").read()
        func admin(_ name: String, days: Int, at now: Timestamp) throws -> String {
            let folder = IdentityFolder(path: "\(fleet.server.live.directory)/\(name)")
            let key = try IdentityKey.make()
            let issued = try authority.issue(
                [.admin(name: name, .admin)], to: try SigningRequest(pem: try key.signingRequest(commonName: name)),
                commonName: name, lifetime: .seconds(days * 86_400), at: now)
            try folder.write(
                key: key, certificate: issued.pem, authority: authority.root,
                profile: FleetProfile(fleet: "live", server: address))
            return folder.path
        }
        try expectMatch(
            try problem("+400d", identity: try admin("long", days: 1000, at: .now())),
            "muster: the certificate of the server at \(address) has expired; this machine's clock says \(time) If the "
                + "clock is right, the company server needs a new certificate\\.")
        // Its machine's clock is behind, so that it does not notice itself.
        try expectMatch(
            try problem("-4d", identity: try admin("ended", days: 2, at: .now() + .seconds(-5 * 86_400))),
            "muster: the server at \(address) takes your certificate for expired Make a new identity with `muster fleet "
                + "admin add` on the company server\\. If it is new, one of the two clocks is wrong\\.")
    }
}

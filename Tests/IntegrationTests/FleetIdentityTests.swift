import Fleet
import Foundation
import NetworkTesting
import Testing

/// `muster fleet init`, `muster fleet admin add`, `muster fleet distributor add` and `muster enroll`, as a person runs them.
@Suite struct FleetIdentityTests {
    /// A folder with a configuration that names an identity in `var/identity`.
    final class Place {
        let path: String
        /// The workers' user where the tests run as root.
        let isRoot = geteuid() == 0

        init(identity: String? = "var/identity") throws {
            path = FileManager.default.temporaryDirectory.appendingPathComponent("fleet-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let lines = identity.map {
                "\n  identity: {certificate: \($0)/identity.pem, private_key: \($0)/identity.pem, "
                    + "authority: \($0)/authority.pem}"
            }
            let user = isRoot ? "\n  user: nobody" : ""
            try write(
                "config.yaml", "host:\n  data_dir: data\n  control: control.sock\(user)\(lines ?? "")\ncomponents: {}\n"
            )
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        }

        func text(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")), as: UTF8.self)
        }

        func run(_ arguments: String..., input: String = "") throws -> Command.Outcome {
            try Command.run(
                "/usr/bin/env",
                [
                    "-u", "MUSTER_FLEET", "-u", "SUDO_USER", "USER=anna", "HOME=\(path)/home",
                    "\(LiveHost.products)/muster",
                ]
                    + arguments, input: input, directory: path)
        }

        func initialise(_ more: String...) throws -> Command.Outcome {
            try Command.run(
                "/usr/bin/env",
                [
                    "-u", "MUSTER_FLEET", "-u", "SUDO_USER", "USER=anna", "HOME=\(path)/home",
                    "\(LiveHost.products)/muster",
                ]
                    + ["fleet", "init", "--server", "hq.example.org"] + more, directory: path)
        }

        func facts(_ name: String) -> (mode: mode_t, user: uid_t)? {
            var status = stat()
            return lstat("\(path)/\(name)", &status) == 0 ? (status.st_mode & 0o7777, status.st_uid) : nil
        }

        func names(_ folder: String) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)"))?.sorted() ?? []
        }
    }

    private static let adminFolder = "home/.config/muster/fleet"

    // MARK: init

    @Test func fleetIsMadeAndTheScreenSaysWhatItIsAndWhatToDo() throws {
        let place = try Place()
        let made = try place.initialise("--fleet", "example", "--name", "192.0.2.7", "--admin", "anna")
        #expect(made.status == 0, "\(made.output)")
        let authority = try IssuingFolder(path: "\(place.path)/var/authority").read()
        for words in [
            "Made the fleet 'example'.", authority.fingerprint, "\(place.path)/var/identity", "hq.example.org:50000",
            "\(place.path)/var/authority-root", "Move the folder of the root key off this machine",
            "muster fleet token create",
            "muster enroll TOKEN",
        ] { #expect(made.flat.contains(words), "\(words) in \(made.output)") }
        let server = try IdentityFolder(path: "\(place.path)/var/identity").read()
        #expect(server.peer.isServer && server.peer.client != nil)
        #expect(made.output.contains("\(try #require(server.peer.client))"))
        #expect(server.peer.client.map { $0.uuid.uuid.6 >> 4 } == 7)
        #expect(server.profile == FleetProfile(fleet: "example", server: "hq.example.org:50000"))
        let admin = try IdentityFolder(path: "\(place.path)/\(Self.adminFolder)").read()
        #expect(admin.peer.roles == [.admin(name: "anna", .admin)])
        #expect(try IssuingFolder(path: "\(place.path)/var/authority").profile() == server.profile)
        let names = try Command.output(
            "openssl", ["x509", "-in", "var/identity/identity.pem", "-noout", "-ext", "subjectAltName"],
            directory: place.path)
        #expect(
            names.contains(
                "DNS:hq.example.org, IP Address:192.0.2.7, DNS:localhost, URI:muster:server, URI:muster:client/"),
            "\(names)")
        // What the probe of a workstation needs: the root at the end of the chain.
        #expect(String(decoding: server.certificate, as: UTF8.self).hasSuffix(authority.root))
        #expect(!String(decoding: admin.certificate, as: UTF8.self).hasSuffix(authority.root))
    }

    @Test func onlyThoseWhoMustReadKeys() throws {
        let place = try Place()
        #expect(try place.initialise().status == 0)
        let worker: uid_t = place.isRoot ? 65_534 : geteuid()
        for (name, mode, user) in [
            ("var/identity", 0o700, worker), ("var/identity/identity.pem", 0o600, worker),
            ("var/authority", 0o700, worker), ("var/authority/issuing.key", 0o600, worker),
            ("var/authority/issuing.pem", 0o644, worker), ("var/authority-root", 0o700, geteuid()),
            ("var/authority-root/root.key", 0o600, geteuid()), (Self.adminFolder, 0o700, geteuid()),
            ("\(Self.adminFolder)/identity.pem", 0o600, geteuid()),
        ] as [(String, mode_t, uid_t)] {
            let facts = try #require(place.facts(name), "\(name)")
            #expect(facts.mode == mode && facts.user == user, "\(name): \(String(facts.mode, radix: 8)) \(facts.user)")
        }
    }

    @Test func secondTimeIsRefusedAndChangesNothing() throws {
        let place = try Place()
        #expect(try place.initialise().status == 0)
        let before = try place.text("var/identity/identity.pem")
        let second = try place.initialise()
        #expect(second.status == 1)
        #expect(
            second.flat.contains("no fleet was made: there is a fleet or an identity already: "), "\(second.output)")
        #expect(second.output.contains("A fleet is made once."))
        // Also where one part alone is left.
        try FileManager.default.removeItem(atPath: "\(place.path)/var/identity")
        try FileManager.default.removeItem(atPath: "\(place.path)/home")
        try FileManager.default.removeItem(atPath: "\(place.path)/var/authority-root")
        #expect(try place.initialise().status == 1)
        #expect(try place.text("var/authority/issuing.pem").contains("BEGIN CERTIFICATE"))
        #expect(place.facts("var/identity") == nil)
        #expect(before.contains("BEGIN PRIVATE KEY"))
    }

    @Test func whatCannotBeWrittenIsToldAndNothingIsLeft() throws {
        let place = try Place()
        try place.write("home", "a file")
        let made = try place.initialise()
        #expect(made.status == 1)
        #expect(made.output.contains("\(place.path)/home is there and is no folder"), "\(made.output)")
        #expect(place.names("var/identity").isEmpty && place.names("var/authority").isEmpty)
        #expect(place.names("var/authority-root").isEmpty)
    }

    @Test func configurationWithoutAnIdentityIsToldItsLines() throws {
        let place = try Place(identity: nil)
        let made = try place.initialise()
        #expect(made.status == 0, "\(made.output)")
        #expect(made.flat.contains("Add to the host's configuration config.yaml:"), "\(made.output)")
        #expect(made.output.contains("certificate: \(place.path)/data/fleet/identity/identity.pem"), "\(made.output)")
        #expect(place.names("data/fleet/identity") == ["authority.pem", "fleet.json", "identity.pem"])
    }

    @Test func identityOfOtherFilesIsRefused() throws {
        let place = try Place()
        try place.write(
            "config.yaml",
            "host:\n  identity: {certificate: a.pem, private_key: a.key, authority: b.pem}\ncomponents: {}\n")
        let made = try place.initialise()
        #expect(made.status == 78)
        #expect(made.output.contains("host.identity of config.yaml names files of another kind"), "\(made.output)")
    }

    @Test(arguments: [
        (["--server", "a b"], "is not where a server can be reached"),
        (["--fleet", "a/b"], "a fleet's name has 1 to 64"),
        (["--admin", "a b"], "an administrator's name has 1 to 64"),
        (["--name", "a,b"], "neither a DNS name nor an IP"),
    ])
    func mistakeIsToldBeforeAnythingIsMade(arguments: [String], words: String) throws {
        let place = try Place()
        let made = try Command.run(
            "/usr/bin/env",
            ["HOME=\(place.path)/home", "\(LiveHost.products)/muster", "fleet", "init"]
                + (arguments.first == "--server" ? [] : ["--server", "hq"]) + arguments, directory: place.path)
        #expect(made.status == 1 && made.output.contains(words), "\(made.output)")
        #expect(place.names("var").isEmpty)
    }

    // MARK: Administrators and distributors

    @Test func administratorsAndDistributorsGetTheirRolesFromTheIssuingKey() throws {
        let place = try Place()
        #expect(try place.initialise("--fleet", "example").status == 0)
        let admin = try place.run("fleet", "admin", "add", "bert", "--role", "viewer", "--to", "bert")
        #expect(
            admin.status == 0 && admin.output.contains("bert is a viewer of the fleet 'example' until "),
            "\(admin.output)")
        let identity = try IdentityFolder(path: "\(place.path)/bert").read()
        #expect(identity.peer.roles == [.admin(name: "bert", .viewer)])
        #expect(identity.profile.server == "hq.example.org:50000")
        #expect(place.facts("bert/identity.pem")?.mode == 0o600)
        let north = try place.run(
            "fleet", "distributor", "add", "north", "--to", "north", "--authority", "var/authority")
        #expect(north.status == 0, "\(north.output)")
        #expect(
            try IdentityFolder(path: "\(place.path)/north").read().peer.roles == [.distributor(name: "north")])
    }

    @Test func administratorIsRefusedWithTheReason() throws {
        let place = try Place()
        let none = try place.run("fleet", "admin", "add", "bert", "--role", "viewer", "--to", "bert")
        #expect(
            none.status == 1 && none.output.contains("there is no fleet's authority in \(place.path)/var/authority"))
        #expect(try place.initialise().status == 0)
        let role = try place.run("fleet", "admin", "add", "bert", "--role", "root", "--to", "bert")
        #expect(role.status == 64 && role.output.contains("viewer"), "\(role.output)")
        let name = try place.run("fleet", "admin", "add", "a,b", "--role", "viewer", "--to", "bert")
        #expect(name.status == 64 && name.output.contains("1 to 64 letters"), "\(name.output)")
        let taken = try place.run("fleet", "admin", "add", "bert", "--role", "admin", "--to", Self.adminFolder)
        #expect(taken.status == 1 && taken.output.contains("there is an identity already in"), "\(taken.output)")
        try place.write("var/authority/issuing.key", "nothing")
        let broken = try place.run("fleet", "admin", "add", "bert", "--role", "admin", "--to", "bert")
        #expect(
            broken.flat.contains("the authority in \(place.path)/var/authority cannot be used"), "\(broken.output)")
        #expect(place.facts("bert") == nil)
    }

    // MARK: enroll

    /// A company server of the fleet that `initialise` made.
    private func server(of place: Place, answer problem: Problem? = nil) throws -> ScriptedServer {
        let identity = try IdentityFolder(path: "\(place.path)/var/identity").read()
        let authority = try IssuingFolder(path: "\(place.path)/var/authority").read()
        return try ScriptedServer(
            .init(.init(certificate: Data(identity.certificate), privateKey: Data(identity.privateKey)))
        ) { connection in
            let (_, body) = try connection.readRequest()
            let request = try FleetJSON.decode(EnrolRequest.self, from: body)
            if let problem {
                return try connection.answer("\(problem.status) No", body: try FleetJSON.encode(problem))
            }
            let client = ClientID.make()
            let issued = try authority.issue(
                [.client(client)], to: try SigningRequest(pem: request.request), commonName: request.name,
                lifetime: CertificateLife.client)
            let answer = EnrolAnswer(
                client: client, certificate: issued.pem, authority: authority.root, group: "office")
            try connection.answer("201 Created", body: try FleetJSON.encode(answer))
        }
    }

    private func token(of place: Place, port: UInt16) throws -> EnrolmentToken {
        try EnrolmentToken(
            server: "127.0.0.1:\(port)",
            authority: try IssuingFolder(path: "\(place.path)/var/authority").read().fingerprint,
            secret: TokenSecret.make())
    }

    @Test func workstationIsEnrolledAndToldWhatToDoNext() throws {
        let (company, workstation) = (try Place(), try Place())
        #expect(try company.initialise("--fleet", "example").status == 0)
        let server = try server(of: company)
        let token = try token(of: company, port: server.port)
        let enrolled = try workstation.run("enroll", "\(token)", "--name", "ws-17")
        #expect(enrolled.status == 0, "\(enrolled.output)")
        for words in [
            "This machine is 'ws-17' of the fleet 'example'.", "group        office",
            "server       127.0.0.1:\(server.port)", "No host runs here: `muster run config.yaml` starts one.",
        ] { #expect(enrolled.output.contains(words), "\(words) in \(enrolled.output)") }
        let identity = try IdentityFolder(path: "\(workstation.path)/var/identity").read()
        #expect(identity.peer.client != nil && identity.profile.fleet == "example")
        #expect(workstation.facts("var/identity/identity.pem")?.user == (workstation.isRoot ? 65_534 : geteuid()))

        let again = try workstation.run("enroll", "-", "--name", "ws-17", input: "\(token)\n")
        #expect(again.status == 1 && again.output.contains("this machine has an identity already"), "\(again.output)")
        #expect(try workstation.run("enroll", "-", "--again", "--name", "ws-17", input: "\(token)\n").status == 0)
        #expect(try IdentityFolder(path: "\(workstation.path)/var/identity").read().peer != identity.peer)
    }

    @Test func runningHostTakesTheIdentityOverWithAReload() throws {
        let company = try Place()
        #expect(try company.initialise().status == 0)
        let server = try server(of: company)
        let host = try LiveHost(plugins: ["App": "FixtureOne"])
        let files = "certificate: id/identity.pem, private_key: id/identity.pem, authority: id/authority.pem"
        try host.configure(Fixture.component("App", config: "{answer: hello}"), host: "identity: {\(files)}")
        try host.startAndWait()
        let enrolled = try Command.run(
            "\(LiveHost.products)/muster",
            ["enroll", "\(try token(of: company, port: server.port))", "--config", host.configurationPath],
            directory: host.directory)
        #expect(enrolled.status == 0, "\(enrolled.output)")
        #expect(
            enrolled.output.hasSuffix("A host runs: `muster reload` takes the identity over.\n"), "\(enrolled.output)")
    }

    @Test func eachReasonNotToEnrollIsOneSentence() throws {
        let (company, workstation) = (try Place(), try Place())
        #expect(try company.initialise().status == 0)
        let server = try server(
            of: company, answer: Problem(403, .tokenUsedUp, "The token was used 10 times, as often as it may be."))
        let token = try token(of: company, port: server.port)
        func said(_ token: String, _ more: String...) throws -> String {
            let outcome = try Command.run(
                "\(LiveHost.products)/muster", ["enroll", token] + more, directory: workstation.path)
            #expect(outcome.status == 1, "\(outcome.output)")
            return outcome.flat
        }
        #expect(try said("\(token)") == "muster: The token was used 10 times, as often as it may be")
        #expect(try said(String("\(token)".dropLast(9))).hasPrefix("muster: the token is cut off: 9 of its "))
        #expect(try said("hello").hasPrefix("muster: that is not an enrolment token"))
        let other = try EnrolmentToken(
            server: token.server, authority: String(repeating: "ab", count: 32), secret: token.secret)
        #expect(
            try said("\(other)").hasPrefix(
                "muster: another server answers at \(token.server), or the token is of another fleet"))
        let nobody = try EnrolmentToken(server: "127.0.0.1:1", authority: token.authority, secret: token.secret)
        #expect(try said("\(nobody)").hasPrefix("muster: the server 127.0.0.1:1 cannot be reached: Connection refused"))
        let unconfigured = try workstation.run("enroll", "\(token)", "--config", "none.yaml")
        #expect(unconfigured.status == 78 && unconfigured.flat.contains("none.yaml cannot be used"))
        #expect(workstation.names("var/identity").isEmpty)
    }
}

extension Command.Outcome {
    /// The output without the line breaks that fit it to a terminal.
    fileprivate var flat: String {
        output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
    }
}

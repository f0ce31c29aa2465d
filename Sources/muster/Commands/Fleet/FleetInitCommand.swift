internal import ArgumentParser
internal import Console
internal import Fleet
internal import FleetAdmin
internal import Glibc

struct FleetInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a new fleet, with this machine as its company server.",
        discussion: """
            Makes the fleet's authority, this server's identity, and that of the first administrator. A fleet is made once: \
            the command refuses where there is one.

              muster fleet init --server muster.example.org
              muster fleet init --config /etc/muster/config.yaml --fleet example --server 192.0.2.7 --admin anna

            Run it as root where the host is started as root, so that the identity is given to the workers' user.
            """)

    @Option(
        help: ArgumentHelp(
            "The host's configuration, whose host.identity says where the server's identity belongs. Without it: config.yaml here, or /etc/muster/config.yaml.",
            valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(help: ArgumentHelp("The fleet's name.", valueName: "name"))
    var fleet = "muster"

    @Option(
        help: ArgumentHelp(
            "Where workstations reach this server; port 50000 unless it says another.", valueName: "host[:port]"))
    var server: String

    @Option(
        help: ArgumentHelp(
            "Another name or address of this server, for its certificate; may be given again.", valueName: "name-or-ip")
    )
    var name: [String] = []

    @Option(help: ArgumentHelp("The first administrator's name. Without it: yours.", valueName: "name"))
    var admin: String?

    @Option(
        help: ArgumentHelp("The folder of the server's identity, instead of the configuration's.", valueName: "dir"),
        completion: .directory)
    var directory: String?

    @Option(
        help: ArgumentHelp(
            "The folder of what the server issues certificates with. Without it: authority, beside the identity.",
            valueName: "dir"), completion: .directory)
    var authority: String?

    @Option(
        help: ArgumentHelp(
            "The folder of the first administrator's identity. Without it: MUSTER_FLEET, or ~/.config/muster/fleet.",
            valueName: "dir"), completion: .directory)
    var adminDirectory: String?

    func run() throws {
        let folders = try FleetFolders(configuration: config, directory: directory)
        let places = FleetPlaces(
            identity: folders.identity, authority: authority.map(FleetFolders.absolute), owner: folders.account)
        let adminFolder = try adminDirectory.map(FleetFolders.absolute) ?? FleetFolders.administrator()
        do throws(FleetIdentityError) {
            let founding = FleetFounding(
                fleet: fleet, server: try ServerAddress(server), names: name, places: places,
                admin: admin ?? Self.userName, adminFolder: IdentityFolder(path: adminFolder))
            let founded = try founding.run()
            Output.show(Self.report(founding, founded, folders))
        } catch {
            throw CommandProblem(message: "no fleet was made: \(error)", advice: Self.advice(error))
        }
    }

    private static func advice(_ error: FleetIdentityError) -> String? {
        guard error.reason.hasSuffix(" exists") else { return nil }
        return
            "A fleet is made once. To begin anew, move its folders away first; every member then has to enroll again."
    }

    /// Who typed the command, also with sudo.
    private static var userName: String {
        let names = [Output.environment["SUDO_USER"], Output.environment["USER"], Output.environment["LOGNAME"]]
        return names.compactMap(\.self).first(where: FleetRole.isName) ?? "admin"
    }

    private static func report(
        _ founding: FleetFounding, _ founded: FleetFounding.Founded, _ folders: FleetFolders
    ) -> String {
        let places = founding.places
        func until(_ time: Timestamp) -> String { "until \(IdentityText.day(time))" }
        var rows = [
            ("server", "\(founding.server)"),
            ("identity", "\(places.identity.path), \(until(founded.serverNotAfter))"),
            ("client", "\(founded.client), this machine as the first member"),
            ("authority", "\(places.issuing.path), \(until(founded.issuingNotAfter))"),
            ("root key", "\(places.root), \(until(founded.rootNotAfter))"),
            ("administrator", "\(founding.admin), in \(founding.adminFolder.path), \(until(founded.adminNotAfter))"),
            ("fingerprint", founded.fingerprint),
        ]
        if let owner = folders.owner {
            rows.append(("owner", "\(owner.name), as whom workers run, of the identity and the authority"))
        }
        var steps: [(text: String, type: String?)] = [
            (
                "Move the folder of the root key off this machine, and keep it safe: whoever has it can issue certificates "
                    + "of the fleet. It is not needed before \(IdentityText.day(founded.issuingNotAfter)), when the "
                    + "authority's certificate ends.", places.root
            )
        ]
        if !folders.isConfigured {
            steps.append(
                ("Add to the host's configuration\(folders.configuration.map { " \($0)" } ?? ""):", folders.lines))
        }
        steps += [
            (
                "In \(folders.configuration ?? "the host's configuration"), name the folders to ClientService, SweepHandler and PollHandler:",
                "identity: \(places.identity.path)\nauthority: \(places.issuing.path)   # ClientService alone"
            ), ("Have the host take it over, or start it with `muster run`:", "muster check && muster reload"),
            ("Make a token for the workstations:", "muster fleet token create --uses 10"),
            ("On each of them:", "muster enroll TOKEN"),
        ]
        return """
            Made the fleet '\(founding.fleet)'.

            \(IdentityText.list(rows))

            What to do next:

            \(IdentityText.steps(steps, on: Output.terminal))
            """
    }
}

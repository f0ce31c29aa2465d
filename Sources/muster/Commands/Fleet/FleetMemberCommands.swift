internal import ArgumentParser
internal import Console
internal import Fleet
internal import FleetAdmin

struct FleetAdminCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Make identities for administrators.", subcommands: [FleetAdminAddCommand.self])
}

struct FleetDistributorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distributor", abstract: "Make identities for distributor servers.",
        subcommands: [FleetDistributorAddCommand.self])
}

/// Which authority issues.
struct FleetAuthorityFolder: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder of what the server issues certificates with. Without it: authority, beside the identity that the configuration names.",
            valueName: "dir"), completion: .directory)
    var authority: String?

    @Option(
        help: ArgumentHelp(
            "The host's configuration. Without it: config.yaml here, or /etc/muster/config.yaml.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    func issue(
        _ role: FleetRole, named name: String, lifetime: Duration, to directory: String
    ) throws(CommandProblem) -> (folder: IdentityFolder, issued: MemberIssuing.Issued) {
        let issuing: IssuingFolder
        if let authority {
            issuing = IssuingFolder(path: FleetFolders.absolute(authority))
        } else {
            let folders = try FleetFolders(configuration: config, directory: nil)
            issuing = FleetPlaces(identity: folders.identity).issuing
        }
        guard issuing.exists else {
            throw CommandProblem(
                message: "there is no fleet's authority in \(issuing.path)",
                advice: "Do this on the company server, after `muster fleet init`, or name the folder: --authority DIR."
            )
        }
        let folder = IdentityFolder(path: FleetFolders.absolute(directory))
        do throws(FleetIdentityError) {
            return (folder, try MemberIssuing(issuing).issue(role, named: name, lifetime: lifetime, to: folder))
        } catch {
            throw CommandProblem(
                message: "no identity was made: \(error)",
                advice: folder.exists ? "Name another folder, or move what is there away." : nil)
        }
    }

    static func checkName(_ name: String) throws {
        if !FleetRole.isName(name) {
            throw ValidationError("A name has 1 to 64 letters, digits, '.', '_' and '-'.")
        }
    }
}

struct FleetAdminAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Make an identity for an administrator.",
        discussion: """
            A viewer looks, an operator also orders and cancels sweeps and polls, an admin also makes tokens, revokes and \
            backs up. The folder holds a private key: hand it over as you would a password, and keep no copy.

              muster fleet admin add anna --role operator --to ./anna
            """)

    @Argument(help: "The administrator's name.")
    var name: String

    @Option(
        help: ArgumentHelp("What the administrator may do.", valueName: "viewer|operator|admin"),
        transform: Self.rank)
    var role: FleetRole.Rank

    @Option(help: ArgumentHelp("The folder to write the identity to.", valueName: "dir"), completion: .directory)
    var to: String

    @OptionGroup var authority: FleetAuthorityFolder

    private static func rank(_ text: String) throws -> FleetRole.Rank {
        guard let rank = FleetRole.Rank(rawValue: text) else {
            throw ValidationError("An administrator is a viewer, an operator or an admin.")
        }
        return rank
    }

    func validate() throws { try FleetAuthorityFolder.checkName(name) }

    func run() throws {
        let (folder, issued) = try authority.issue(
            .admin(name: name, role), named: name, lifetime: CertificateLife.admin, to: to)
        Output.show(
            """
            \(name) is \(role == .viewer ? "a" : "an") \(role.rawValue) of the fleet '\(issued.fleet)' until \
            \(IdentityText.day(issued.notAfter)).

            \(IdentityText.list([("identity", folder.path), ("certificate", issued.serial)]))

            \(IdentityText.paragraph(
                "Hand the folder over; it holds the private key, so keep no copy. \(name) puts it in "
                    + "~/.config/muster/fleet, or names it with --identity DIR, and looks:", on: Output.terminal))

            \(IdentityText.indented("muster clients"))
            """)
    }
}

struct FleetDistributorAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Make an identity for a distributor server.",
        discussion: """
            The folder holds a private key: carry it to the distributor server as you would a password, and keep no copy.

              muster fleet distributor add north --to ./north
            """)

    @Argument(help: "The distributor's name.")
    var name: String

    @Option(help: ArgumentHelp("The folder to write the identity to.", valueName: "dir"), completion: .directory)
    var to: String

    @OptionGroup var authority: FleetAuthorityFolder

    func validate() throws { try FleetAuthorityFolder.checkName(name) }

    func run() throws {
        let (folder, issued) = try authority.issue(
            .distributor(name: name), named: name, lifetime: CertificateLife.distributor, to: to)
        Output.show(
            """
            \(name) is a distributor of the fleet '\(issued.fleet)' until \(IdentityText.day(issued.notAfter)).

            \(IdentityText.list([("identity", folder.path), ("certificate", issued.serial)]))

            \(IdentityText.paragraph(
                "Carry the folder to the distributor server; it holds the private key, so keep no copy. There the host's "
                    + "configuration names it:", on: Output.terminal))

            \(IdentityText.indented(FleetFolders.lines(of: "DIR")))
            """)
    }
}

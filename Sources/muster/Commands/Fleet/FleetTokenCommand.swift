internal import ArgumentParser
internal import Console
internal import Fleet
internal import FleetAdmin

struct FleetTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make, list and delete enrolment tokens.",
        subcommands: [FleetTokenCreateCommand.self, FleetTokenListCommand.self, FleetTokenDeleteCommand.self])
}

struct FleetTokenCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a token with which workstations enrol themselves.",
        discussion: """
            Prints the token alone on the standard output. Whoever has it can enrol a machine until it is used up, \
            expired or deleted: hand it on as you would a password.

              muster fleet token create --group office --uses 20 --expires 24h
            """)

    @Option(help: ArgumentHelp("The group that the workstations will be in.", valueName: "group"))
    var group: String

    @Option(help: ArgumentHelp("How many workstations may use it.", valueName: "n"))
    var uses = 1

    @Option(help: ArgumentHelp("How long it is good for, such as 30m, 24h or 7d.", valueName: "duration"))
    var expires = Span(.seconds(86_400))

    @Flag(help: "Print one JSON document, with the token and its id.")
    var json = false

    @OptionGroup var connection: FleetConnection

    func validate() throws {
        if group.allSatisfy(\.isWhitespace) { throw ValidationError("--group is empty.") }
        if uses < 1 { throw ValidationError("--uses must be at least 1.") }
    }

    private struct Shown: Encodable {
        var token: String
        var id: TokenID
        var expiresAt: Timestamp
    }

    func run() throws {
        let server = try connection.client()
        let order = TokenOrder(group: group, uses: uses, expiresSeconds: Int(expires.duration.components.seconds))
        let made = try asking { () throws(AdminFailure) in try server.makeToken(order) }
        let token = try asking { () throws(AdminFailure) in try server.enrolmentToken(of: made) }
        if json {
            return try Output.showFleetJSON(Shown(token: "\(token)", id: made.id, expiresAt: made.expiresAt))
        }
        Output.show("\(token)")
        Output.complain { _ in
            "Good for \(uses) workstation\(uses == 1 ? "" : "s") until \(made.expiresAt). On each: `muster enroll TOKEN`. "
                + "`muster fleet token delete \(made.id)` takes it back."
        }
    }
}

struct FleetTokenListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the tokens; their secrets are not kept anywhere.")

    @Flag(help: "Print one JSON document.")
    var json = false

    @OptionGroup var connection: FleetConnection

    func run() throws {
        let server = try connection.client()
        let tokens = try asking { () throws(AdminFailure) in try server.tokens() }
        if json { return try Output.showFleetJSON(tokens) }
        Output.show(TokensView(tokens, now: .now()).render(on: Output.terminal))
    }
}

struct FleetTokenDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a token: nobody can enrol with it any more.",
        discussion: """
            Workstations that have enrolled with it stay; `muster fleet revoke` puts one out.

              muster fleet token delete ID
            """)

    @Argument(help: ArgumentHelp("The token's id, as `muster fleet token list` shows it.", valueName: "id"))
    var id: String

    @OptionGroup var connection: FleetConnection

    func validate() throws {
        if TokenID(id) == nil {
            throw ValidationError("Give the token's id, as `muster fleet token list` shows it, not the token.")
        }
    }

    func run() throws {
        guard let id = TokenID(id) else { return }
        let server = try connection.client()
        try asking { () throws(AdminFailure) in try server.deleteToken(id) }
        Output.show("Deleted.")
    }
}

internal import ArgumentParser
internal import Fleet
internal import FleetAdmin

struct FleetRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Put a client, administrator or distributor out of the fleet, at once.",
        discussion: """
            The server refuses it from now on, whatever certificate it shows. It comes back only with a new token, or a \
            new identity.

              muster fleet revoke reception
              muster fleet revoke admin/anna
              muster fleet revoke distributor/berlin
            """)

    @Argument(
        help: ArgumentHelp(
            "A client by its name or id, admin/NAME or distributor/NAME.", valueName: "who"))
    var subject: String

    @Flag(help: "Print one JSON document.")
    var json = false

    @OptionGroup var connection: FleetConnection

    func validate() throws {
        if subject.allSatisfy(\.isWhitespace) { throw ValidationError("Say who is to be put out.") }
    }

    func run() throws {
        let server = try connection.client()
        let revocation = try asking { () throws(AdminFailure) in
            try server.revoke(RevocationOrder(subject: subject))
        }
        if json { return try Output.showFleetJSON(revocation) }
        Output.showLine(
            revocation.wasRevoked
                ? "\(revocation.name) (\(revocation.uri)) was revoked before."
                : "\(revocation.name) (\(revocation.uri)) is revoked: the server refuses it from now on.")
    }
}

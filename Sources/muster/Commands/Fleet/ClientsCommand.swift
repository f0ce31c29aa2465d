internal import ArgumentParser
internal import Console
internal import Fleet
internal import FleetAdmin

struct ClientsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clients",
        abstract: "List the clients of the fleet, or show one.",
        discussion: """
            The table says with words and colours how well each is protected: its last sweep of the whole machine is good \
            for 7 days, due until 30, then overdue; definitions are compared with the newest in the table.

              muster clients --group office
              muster clients --where 'status=offline and not os=windows'
              muster clients reception
              muster clients --json | jq -r 'select(.open_detections > 0) | .name'

            With --json a list is a JSON document a line, a single client one document.
            """)

    @Argument(help: ArgumentHelp("Show this client, by its id or name.", valueName: "id-or-name"))
    var client: String?

    @OptionGroup var filter: ClientFilter

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var connection: FleetConnection

    func validate() throws {
        if client != nil, filter.selector() != nil {
            throw ValidationError("Give either a client, or --group and --where.")
        }
        if let client, client.allSatisfy(\.isWhitespace) { throw ValidationError("The client's name is empty.") }
    }

    func run() throws {
        let server = try connection.client()
        if let client {
            let row = try asking { () throws(AdminFailure) in try server.client(client) }
            if json { return try Output.showFleetJSON(row) }
            return Output.show(ClientView(row, now: .now()).render(on: Output.terminal))
        }
        let selector = filter.selector()
        if json {
            return try asking { () throws(AdminFailure) in
                try server.forEachClient(where: selector) { row throws(AdminFailure) in Output.showJSONLine(row) }
            }
        }
        let rows = try asking { () throws(AdminFailure) in try server.clients(where: selector) }
        Output.show(ClientsView(rows, now: .now()).render(on: Output.terminal))
    }
}

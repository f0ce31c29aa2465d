internal import ArgumentParser
internal import Console
internal import FleetAdmin

struct FleetBackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Fetch a consistent copy of the fleet's store.",
        discussion: """
            The server goes on meanwhile. The file is an SQLite database that only you can read; it is there whole or \
            not at all.

              muster fleet backup fleet-$(date +%F).sqlite
            """)

    @Argument(help: ArgumentHelp("Where to put it.", valueName: "file"), completion: .file())
    var file: String

    @Flag(help: "Write over a file that is there.")
    var force = false

    @OptionGroup var connection: FleetConnection

    func run() throws {
        let server = try connection.client()
        let size = try asking { () throws(AdminFailure) in try server.backUp(to: file, replaces: force) }
        Output.showLine("\(file): \(BackupView.size(size))")
    }
}

internal import ArgumentParser

struct FleetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "Say who belongs to the fleet, and keep a copy of its store.",
        subcommands: [FleetTokenCommand.self, FleetRevokeCommand.self, FleetBackupCommand.self])
}

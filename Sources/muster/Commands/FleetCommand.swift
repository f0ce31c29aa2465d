internal import ArgumentParser

struct FleetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "Make a fleet, say who belongs to it, and keep a copy of its store.",
        subcommands: [
            FleetInitCommand.self,
            FleetTokenCommand.self,
            FleetRevokeCommand.self,
            FleetAdminCommand.self,
            FleetDistributorCommand.self,
            FleetBackupCommand.self,
        ])
}

internal import ArgumentParser

/// The command `muster`.
struct MusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster",
        abstract: "Run network services as plugins, and reload them without dropping a connection.",
        discussion: """
            Start a host, and look at it from another terminal:

              muster run config.yaml
              muster status

            After a change of the configuration or of a plugin:

              muster check config.yaml
              muster reload
            """,
        version: VersionReport.current.text,
        groupedSubcommands: [
            CommandGroup(name: "Host", subcommands: [RunCommand.self, StatusCommand.self, ReloadCommand.self]),
            CommandGroup(
                name: "Fleet",
                subcommands: [
                    ClientsCommand.self, PollCommand.self, SweepCommand.self, JobsCommand.self, DetectionsCommand.self,
                    FleetCommand.self, EnrollCommand.self,
                ]),
            CommandGroup(name: "Updates", subcommands: [DefinitionsCommand.self, RepoCommand.self, TufCommand.self]),
            CommandGroup(name: "Configuration", subcommands: [CheckCommand.self, SchemaCommand.self]),
            CommandGroup(name: "Other", subcommands: [PluginCommand.self, VersionCommand.self]),
        ])

    /// Parses the command line, does what it says, and exits.
    static func runToExit() -> Never {
        do {
            var command = try parseAsRoot()
            try command.run()
            exit()
        } catch let problem as CommandProblem {
            Output.problem(problem)
            exit(withError: ExitCode(problem.status))
        } catch {
            // A mistake in the command line, or a request for help.
            if TufCommand.isCalled { TufCommand.end(error) }
            exit(withError: error)
        }
    }
}

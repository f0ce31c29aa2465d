internal import ArgumentParser
internal import Console
internal import Supervisor

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say everything that is wrong with a configuration, and change nothing.",
        discussion: """
            Does all that a reload does before it commits: it reads the file, loads each plugin in a process of its own, \
            checks the options, lets the plugin prepare, and tries the ports.

              muster check /etc/muster/config.yaml && muster reload

            Exits with 78 where a reload would be refused.
            """)

    @Argument(help: "The configuration.", completion: .file(extensions: ["yaml", "yml"]))
    var config = "config.yaml"

    @Option(help: ArgumentHelp("Add a number to every port, as in `muster run`.", valueName: "n"))
    var portOffset = 0

    @Flag(help: "Print the report as JSON.")
    var json = false

    func run() throws {
        let report = Host.check(configurationPath: config, portOffset: portOffset)
        if json {
            try Output.showJSON(report)
        } else {
            let view = CheckView(
                path: config, isValid: report.isValid, diagnostics: report.diagnostics,
                components: report.components.map { ($0.name, $0.problem) })
            Output.show(view.render(on: Output.terminal))
        }
        if !report.isValid { throw ExitCode(78) }
    }
}

internal import ArgumentParser
internal import Supervisor

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the components of a configuration.",
        discussion: """
            Runs in the foreground and logs to the standard error. SIGHUP reloads the configuration; SIGTERM or ^C lets \
            what is under way finish and ends, a second one ends at once.

              muster run /etc/muster/config.yaml
              muster run config.yaml --port-offset 10000

            Exits with 78 where the configuration is wrong, and says everything that is.
            """)

    @Argument(help: "The configuration.", completion: .file(extensions: ["yaml", "yml"]))
    var config = "config.yaml"

    @Option(help: ArgumentHelp("Add a number to every port, to run beside a host that has the ports.", valueName: "n"))
    var portOffset = 0

    @Flag(help: "Start the configuration that ran last without a fault, whatever the file holds now.")
    var lastGood = false

    func validate() throws {
        guard (-65_535...65_535).contains(portOffset) else {
            throw ValidationError("--port-offset must lie between -65535 and 65535.")
        }
    }

    func run() throws {
        let options = RunOptions(configurationPath: config, portOffset: portOffset, useLastGood: lastGood)
        throw ExitCode(Host.run(options))
    }
}

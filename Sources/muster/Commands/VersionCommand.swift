internal import ArgumentParser

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version of the host and of its plugin ABI.")

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        if json { return try Output.showJSON(VersionReport.current) }
        Output.show(VersionReport.current.text)
    }
}

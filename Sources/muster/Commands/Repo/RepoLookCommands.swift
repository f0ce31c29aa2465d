internal import ArgumentParser
internal import Console
internal import UpdateTrust

struct RepoStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show versions, how long they are valid, and who may sign.",
        discussion: """
              muster repo status /srv/updates
              muster repo status /srv/updates --json
            """)

    @OptionGroup var location: RepositoryLocation

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        let repository = try location.open()
        let status = try publishing { () throws(RepositoryFailure) in try repository.status() }
        if json { return try Output.showFleetJSON(status) }
        Output.show(RepositoryView(status, path: repository.path).render(on: Output.terminal))
    }
}

struct RepoVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Check everything that is published as a client would, and every file; exit 1 where something is wrong.",
        discussion: "  muster repo verify /srv/updates")

    @OptionGroup var location: RepositoryLocation

    func run() throws {
        let directory = location.directory
        let result = try Waiting.run { await RepositoryVerification.run(directory) }
        guard result.troubles.isEmpty else {
            throw CommandProblem(
                message: "\(directory) is not as it should be", advice: result.troubles.joined(separator: "\n"))
        }
        Output.show(
            "\(directory) is whole: \(result.roots) root\(result.roots == 1 ? "" : "s"), "
                + "\(result.roles) targets role\(result.roles == 1 ? "" : "s"), \(result.targets) targets.")
    }
}

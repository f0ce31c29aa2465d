internal import ArgumentParser
internal import Console
internal import Fleet
internal import FoundationEssentials
internal import UpdateTrust

struct DefinitionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "definitions",
        abstract: "See which definitions this machine uses, and go back to the former ones.",
        subcommands: [DefinitionsStatusCommand.self, DefinitionsRollbackCommand.self],
        defaultSubcommand: DefinitionsStatusCommand.self)
}

/// Where a machine's definitions are.
struct DefinitionsLocation: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "CommAgent's folder of definitions, its option 'definitions'. Without it: var/definitions here, or /var/lib/muster/definitions.",
            valueName: "dir"),
        completion: .directory)
    var folder: String?

    func store() throws -> DefinitionsStore {
        let tried = folder.map { [$0] } ?? ["var/definitions", "/var/lib/muster/definitions"]
        guard let found = tried.first(where: { FileManager.default.fileExists(atPath: $0 + "/sets") }) else {
            throw CommandProblem(
                message: "no definitions of CommAgent's are in \(tried.joined(separator: ", nor in "))",
                advice: "Name the folder that the configuration gives CommAgent with --folder.")
        }
        return DefinitionsStore(folder: found)
    }

    /// What CommAgent wrote down last; nil where it did not yet.
    func standing(_ store: DefinitionsStore) -> UpdateStanding? {
        guard let data = try? Data(contentsOf: URL(filePath: store.folder + "/status.json")) else { return nil }
        return try? FleetJSON.decode(UpdateStanding.self, from: data)
    }
}

struct DefinitionsStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the definitions in use, those before them, and how the last look for updates ended.",
        discussion: """
              muster definitions status
              muster definitions status --json
            """)

    @OptionGroup var location: DefinitionsLocation

    @Flag(help: "Print it as JSON.")
    var json = false

    func run() throws {
        let store = try location.store()
        do throws(UpdateError) {
            let (current, previous) = (try store.currentSet(), try store.previousSet())
            let rolledBack = try store.rolledBack()
            var standing = location.standing(store) ?? UpdateStanding(state: "unknown")
            // The links are the truth; the file is what CommAgent knew.
            (standing.definitions, standing.previous) = (current?.version, previous?.version)
            if json { return try show(standing) }
            Output.show(IdentityText.list(Self.lines(current, previous, rolledBack?.version, standing)))
        } catch {
            throw CommandProblem(message: "the definitions cannot be looked at: \(error)")
        }
    }

    private func show(_ standing: UpdateStanding) throws(UpdateError) {
        do { try Output.showFleetJSON(standing) } catch { throw UpdateError(.malformed, "\(error)") }
    }

    private static func lines(
        _ current: DefinitionsSet?, _ previous: DefinitionsSet?, _ rolledBack: String?, _ standing: UpdateStanding
    ) -> [(name: String, text: String)] {
        var lines: [(name: String, text: String)] = [
            ("in use", current.map { "\(shownLine($0.version)), since snapshot \($0.snapshot)" } ?? "none yet"),
            (
                "previous",
                previous.map { "\(shownLine($0.version)); `muster definitions rollback` goes back to it" } ?? "none"
            ),
        ]
        if let rolledBack {
            lines.append(
                ("gone back from", "\(shownLine(rolledBack)), which stays out until the vendor's next version"))
        }
        if let check = standing.lastCheck {
            lines.append(("last check", "\(check)" + (standing.source.map { ", at \(shownLine($0))" } ?? "")))
        }
        if let success = standing.lastSuccess { lines.append(("last success", "\(success)")) }
        if let delta = standing.deltaBytes, let full = standing.fullBytes {
            lines.append(
                (
                    "fetched",
                    "\(BackupView.size(Int64(delta))) as deltas, \(BackupView.size(Int64(full))) as whole files"
                ))
        }
        if let error = standing.error {
            lines.append(("problem", "\(shownLine(error.sentence)), since \(error.since)"))
        }
        return lines
    }
}

struct DefinitionsRollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Use the definitions again that were in use before.",
        discussion: """
            The version that is left is not activated again: the vendor's next one is. Sweeps use the former definitions \
            from their next beginning on; CommAgent notices within seconds.

              muster definitions rollback
            """)

    @OptionGroup var location: DefinitionsLocation

    func run() throws {
        let store = try location.store()
        do throws(UpdateError) {
            let (from, to) = try store.rollBack()
            Output.showLine(
                "Definitions \(to.version) are in use again; \(from.version) stays out until the vendor's next version."
            )
        } catch {
            throw CommandProblem(
                message: "\(error)",
                advice: error.cause == .storage ? "The command needs the right to write to that folder." : nil)
        }
    }
}

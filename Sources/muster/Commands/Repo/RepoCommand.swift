internal import ArgumentParser
internal import UpdateTrust

struct RepoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repo",
        abstract: "Publish updates: make a repository, add files, sign, and publish.",
        discussion: """
            A vendor's work, from the first day to the next version:

              muster repo init /srv/updates --root-keys /media/stick/root
              muster repo add /srv/updates main.hsb --as definitions/main.hsb
              muster repo publish /srv/updates

            Any web server may serve the folders metadata and targets of it. docs/publishing.md tells the whole.
            """,
        subcommands: [
            RepoInitCommand.self, RepoAddCommand.self, RepoRemoveCommand.self, RepoPublishCommand.self,
            RepoRotateCommand.self, RepoSignCommand.self, RepoDelegateCommand.self, RepoStatusCommand.self,
            RepoVerifyCommand.self, RepoSampleCommand.self,
        ])
}

/// The repository that a command works on.
struct RepositoryLocation: ParsableArguments {
    @Argument(help: ArgumentHelp("The repository's folder.", valueName: "dir"), completion: .directory)
    var directory: String

    func open() throws -> Repository {
        try publishing { () throws(RepositoryFailure) in try Repository.open(directory) }
    }
}

/// What fails is a problem of the person's.
func publishing<Value>(_ body: () throws(RepositoryFailure) -> Value) throws -> Value {
    do throws(RepositoryFailure) {
        return try body()
    } catch {
        throw CommandProblem(message: error.description)
    }
}

/// `ROLE=VALUE`, given any number of times.
struct RoleSettings<Value> {
    var values: [String: Value] = [:]

    init(_ texts: [String], option: String, read: (String) -> Value?) throws {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, ["root", "targets", "snapshot", "timestamp"].contains(parts[0]),
                let value = read(parts[1])
            else {
                throw ValidationError(
                    "--\(option) '\(text)': write ROLE=VALUE, with root, targets, snapshot or timestamp as the role.")
            }
            values[parts[0]] = value
        }
    }
}

/// How keys sign, as the command line has it.
enum KeyScheme: String, CaseIterable, ExpressibleByArgument {
    case ed25519
    case ecdsaP256 = "ecdsa-sha2-nistp256"
    case rsaPSS = "rsassa-pss-sha256"

    var scheme: SignatureScheme {
        switch self {
        case .ed25519: .ed25519
        case .ecdsaP256: .ecdsaP256
        case .rsaPSS: .rsaPSS
        }
    }
}

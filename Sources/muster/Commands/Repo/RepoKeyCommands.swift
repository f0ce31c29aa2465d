internal import ArgumentParser
internal import UpdateTrust

struct RepoRotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Give a role new keys: because time has come, or a key is known to others.",
        discussion: """
              muster repo rotate /srv/updates timestamp
              muster repo rotate /srv/updates root --keys 3 --threshold 2
              muster repo rotate /srv/updates tools         a delegated role

            A new root says so, signed by the former root's keys and its own. Where they are elsewhere it waits for \
            `muster repo sign`. Of a delegated role no root is needed. The former private keys go to .keys/retired.
            """)

    @OptionGroup var location: RepositoryLocation

    @Argument(help: ArgumentHelp("root, targets, snapshot, timestamp, or a delegated role.", valueName: "role"))
    var role: String

    @Option(help: ArgumentHelp("How many keys it has from now on. Without it: as many as before.", valueName: "n"))
    var keys: Int?

    @Option(help: ArgumentHelp("How many of them must sign. Without it: as many as before.", valueName: "n"))
    var threshold: Int?

    @Option(help: "How the new keys sign.")
    var scheme = KeyScheme.ed25519

    func run() throws {
        let repository = try location.open()
        let change = try publishing { () throws(RepositoryFailure) in
            try repository.rotate(role, scheme: scheme.scheme, count: keys, threshold: threshold)
        }
        RootChangeReport.show(change, repository)
    }
}

struct RepoSignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign the root that waits, with the root's keys that are here; or renew the root.",
        discussion: """
            Each holder of a root key signs: with the repository's folder of root keys, or a copy of the waiting root on a \
            machine of their own. With enough signatures the root is published.

              muster repo sign /srv/updates
              muster repo sign /srv/updates --renew                     before the root expires
              muster repo sign copy.json --root-keys ~/keys             on another machine
              muster repo sign /srv/updates --signed copy.json          back at the repository
            """)

    @Argument(
        help: ArgumentHelp("The repository's folder; or a copy of a root that waits.", valueName: "dir-or-file"),
        completion: .file())
    var path: String

    @Flag(help: "Make the next version of the root, with the same keys and a new expiry.")
    var renew = false

    @Option(help: ArgumentHelp("A copy that others have signed; may be given again.", valueName: "file"))
    var signed: [String] = []

    @Option(
        help: ArgumentHelp("For a copy: the folder of private keys, PEM files.", valueName: "dir"),
        completion: .directory)
    var rootKeys: String?

    func run() throws {
        if let rootKeys {
            guard signed.isEmpty, !renew else { throw ValidationError("--root-keys is for a copy alone.") }
            let keys = try publishing { () throws(RepositoryFailure) in
                try Repository.sign(root: path, with: rootKeys)
            }
            return Output.showLine("\(path) is signed by \(keys.joined(separator: ", ")). Send it back.")
        }
        let repository = try publishing { () throws(RepositoryFailure) in try Repository.open(path) }
        let change = try publishing { () throws(RepositoryFailure) in
            renew ? try repository.renewRoot() : try repository.sign(adding: signed)
        }
        RootChangeReport.show(change, repository)
    }
}

struct RepoDelegateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delegate",
        abstract: "Leave paths to a role with a key of its own, and publish that.",
        discussion: """
              muster repo delegate /srv/updates tools --paths 'tools/*'

            `*` and `?` never stand for a slash. The role's key is made in .keys, from where its holder may take it.
            """)

    @OptionGroup var location: RepositoryLocation

    @Argument(help: ArgumentHelp("The role's name.", valueName: "role"))
    var role: String

    @Option(parsing: .upToNextOption, help: ArgumentHelp("What it may sign for.", valueName: "pattern"))
    var paths: [String]

    @Flag(help: "For its paths nobody after it is asked.")
    var terminating = false

    func run() throws {
        let repository = try location.open()
        try publishing { () throws(RepositoryFailure) in
            try repository.delegate(to: role, patterns: paths, isTerminating: terminating)
        }
        Output.showLine(
            "\(role) may sign for \(paths.joined(separator: ", ")); its key is in \(repository.path)/.keys/\(role).")
    }
}

/// What came of asking for a new root, in words.
enum RootChangeReport {
    static func show(_ change: RootChange, _ repository: Repository) {
        switch change {
        case .published(let version): Output.show("Root version \(version) is published.")
        case .delegated(let role, let snapshot):
            Output.show(
                "\(role) has new keys, in \(repository.path)/.keys/\(role); snapshot \(snapshot) says so.")
        case .waits(let file, let version, let keys, let missing):
            Output.show(
                """
                Root version \(version) waits for \(missing) more signature\(missing == 1 ? "" : "s"), of these keys:
                \(keys.map { "  \($0)" }.joined(separator: "\n"))

                It is \(file). With a key in the folder of the root's keys: muster repo sign \(repository.path)
                """)
        }
    }
}

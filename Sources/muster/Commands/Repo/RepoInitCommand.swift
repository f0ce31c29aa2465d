internal import ArgumentParser
internal import FleetAdmin
internal import UpdateTrust

struct RepoInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a repository with its keys, and publish its first version, which is empty.",
        discussion: """
              muster repo init /srv/updates
              muster repo init /srv/updates --root-keys /media/stick/root --keys root=3 --threshold root=2
              muster repo init /srv/updates --expires timestamp=2d --expires targets=30d

            The root's keys decide about all others. Keep them where no network reaches: on a stick in a safe, each with \
            another person. The folder that --root-keys names is remembered and needed again only for rotations.
            """)

    @OptionGroup var location: RepositoryLocation

    @Option(
        help: ArgumentHelp("Where the root's keys are made. Without it: .keys in the repository.", valueName: "dir"),
        completion: .directory)
    var rootKeys: String?

    @Option(help: ArgumentHelp("How many keys a role has; may be given again.", valueName: "role=n"))
    var keys: [String] = []

    @Option(help: ArgumentHelp("How many of them must sign; may be given again.", valueName: "role=n"))
    var threshold: [String] = []

    @Option(
        help: ArgumentHelp(
            "How long what a role signs is valid: root 365d, targets 90d, snapshot 7d, timestamp 1d unless given.",
            valueName: "role=time"))
    var expires: [String] = []

    @Option(help: "How the keys sign.")
    var scheme = KeyScheme.ed25519

    @Option(help: ArgumentHelp("For how many older versions of a file a delta is made.", valueName: "n"))
    var deltas = 3

    func run() throws {
        var founding = Repository.Founding()
        founding.scheme = scheme.scheme
        founding.keys = try RoleSettings(keys, option: "keys") { Int($0) }.values
        founding.thresholds = try RoleSettings(threshold, option: "threshold") { Int($0) }.values
        let times = try RoleSettings(expires, option: "expires") { text in
            // Whole days, which is what a calendar of renewals is made of.
            DurationText.read(text).map { Int($0.components.seconds / 86_400) }.flatMap { $0 > 0 ? $0 : nil }
        }.values
        founding.settings.days.merge(times) { $1 }
        guard (0...20).contains(deltas) else { throw ValidationError("--deltas is 0 to 20.") }
        founding.settings.deltas = deltas
        founding.settings.rootKeys = rootKeys.map { FleetFolders.absolute($0) }
        let repository = try publishing { () throws(RepositoryFailure) in
            try Repository.make(location.directory, founding)
        }
        let kept = founding.settings.rootKeys ?? "\(repository.path)/.keys"
        Output.show(
            """
            \(repository.path) is a repository now, and empty.

            Clients begin with      \(repository.path)/metadata/1.root.json
            The root's keys are in  \(kept)/root: take them offline
            Other keys are in       \(repository.path)/.keys: who has them can publish

            Next: muster repo add \(repository.path) FILE --as PATH, then muster repo publish \(repository.path)
            """)
    }
}

internal import ArgumentParser
internal import Console
internal import UpdateAdmin
internal import UpdateTrust

/// A TUF client for scripts, and for test suites of others: their command line, not ours. Hence the options before the verb,
/// and 1 for everything that went wrong.
struct TufCommand: ParsableCommand {
    enum Verb: String, ExpressibleByArgument, CaseIterable {
        case `init`, refresh, download
    }

    static let configuration = CommandConfiguration(
        commandName: "tuf",
        abstract: "Retrieve files of a TUF repository, and believe only what is signed.",
        discussion: """
            Begin with the root of the repository's owner; then bring the metadata up to date, or download targets, which \
            does so first:

              muster tuf --metadata-dir trust init root.json
              muster tuf --metadata-url https://updates.example.com/metadata --metadata-dir trust refresh
              muster tuf --metadata-url https://updates.example.com/metadata --metadata-dir trust \
            --target-name definitions/main.hsb --target-dir files \
            --target-base-url https://updates.example.com/targets download

            A target is one file of the target folder, named by its whole path, percent-encoded. One that is there already \
            is not fetched again; an unfinished download is gone on with.

            Exits with 0, or with 1 and a line that says why.
            """)

    @Option(help: ArgumentHelp("The folder of trusted metadata.", valueName: "dir"), completion: .directory)
    var metadataDir: String

    @Option(help: ArgumentHelp("Where the repository's metadata is.", valueName: "url"))
    var metadataUrl: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("The path of a target to download; may be given again.", valueName: "path"))
    var targetName: [String] = []

    @Option(help: ArgumentHelp("The folder for downloads.", valueName: "dir"), completion: .directory)
    var targetDir: String?

    @Option(help: ArgumentHelp("Where the repository's targets are.", valueName: "url"))
    var targetBaseUrl: String?

    @Option(
        help: ArgumentHelp(
            "Believe servers over https that these certificates vouch for (PEM), not the system's.", valueName: "file"),
        completion: .file())
    var authority: String?

    @Flag(help: "Forget the latest time that was seen: for a machine whose clock ran ahead.")
    var resetClock = false

    @Argument(help: "`init`, `refresh` or `download`.")
    var verb: Verb

    @Argument(help: "The root to begin with, for `init`.", completion: .file(extensions: ["json"]))
    var root: String?

    func validate() throws {
        guard (verb == .`init`) == (root != nil) else {
            throw ValidationError(
                verb == .`init`
                    ? "init needs the file of a root: muster tuf --metadata-dir DIR init ROOT.json"
                    : "\(verb.rawValue) takes no file")
        }
        if verb != .`init`, metadataUrl == nil { throw ValidationError("\(verb.rawValue) needs --metadata-url URL") }
        if verb == .download, targetName.isEmpty || targetDir == nil || targetBaseUrl == nil {
            throw ValidationError("download needs --target-name PATH, --target-dir DIR and --target-base-url URL")
        }
    }

    func run() throws {
        do {
            let cache = MetadataCache(folder: metadataDir)
            if resetClock { try cache.resetClock() }
            switch verb {
            case .`init`: try TrustFolder.begin(cache, rootFile: root ?? "")
            case .refresh:
                let client = try client(cache, CurlTransport(authorityFile: authority))
                _ = try Waiting.run { try await client.refresh() }
            case .download: try download(into: cache)
            }
        } catch {
            Self.complain("\(error)")
            throw ExitCode(1)
        }
    }

    private func client(_ cache: MetadataCache, _ transport: CurlTransport) -> UpdateClient {
        UpdateClient(cache: cache, metadataURL: metadataUrl ?? "", transport)
    }

    private func download(into cache: MetadataCache) throws {
        let folder = try DownloadFolder(targetDir ?? "")
        defer { folder.tidy() }
        let transport = try CurlTransport(authorityFile: authority)
        let client = client(cache, transport)
        let (names, baseURL) = (targetName, targetBaseUrl ?? "")
        try Waiting.run {
            var metadata = try await client.refresh().metadata
            let isConsistent = metadata.root.role.consistentSnapshot
            for name in names {
                guard let target = try await client.find(name, in: &metadata) else {
                    throw UpdateError(.noTarget, "no role of the repository signs for a target '\(name)'")
                }
                let file = try folder.file(of: name)
                let download = TargetDownload(
                    target, baseURL: baseURL, consistentSnapshot: isConsistent, partialFolder: folder.partialFolder)
                if download.matches(file) { continue }
                let bar = TransferBar(name, of: target.length)
                defer { bar.end() }
                try await download.run(to: file, transport, progress: bar.show)
            }
        }
    }

    // MARK: How it fails

    /// Whether the command line is one of this command, right or wrong.
    static var isCalled: Bool { CommandLine.arguments.dropFirst().first == configuration.commandName }

    /// Exits as scripts expect it: with 0 after help, otherwise with 1 and one line.
    static func end(_ error: any Error) -> Never {
        if error is ExitCode || exitCode(for: error) == .success { MusterCommand.exit(withError: error) }
        complain(MusterCommand.message(for: error))
        MusterCommand.exit(withError: ExitCode(1))
    }

    /// The one line that there may be.
    private static func complain(_ text: String) {
        Output.drawError("muster: " + shownLine(text) + "\n")
    }
}

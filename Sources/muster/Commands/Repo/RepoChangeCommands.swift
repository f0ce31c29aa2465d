internal import ArgumentParser
internal import Console
internal import Glibc
internal import UpdateAdmin
internal import UpdateTrust

struct RepoAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Note files for the next publication.",
        discussion: """
              muster repo add /srv/updates main.hsb --as definitions/main.hsb
              muster repo add /srv/updates *.hsb --as definitions/
              muster repo add /srv/updates tool.deb --as files/tool.deb --custom version=1.4
            """)

    @OptionGroup var location: RepositoryLocation

    @Argument(help: ArgumentHelp("Files of this machine.", valueName: "file"), completion: .file())
    var files: [String]

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "The target's path; one that ends in a slash is the folder of all the files.", valueName: "path"))
    var path: String

    @Option(help: ArgumentHelp("Said of the files to every client; may be given again.", valueName: "key=value"))
    var custom: [String] = []

    @Option(help: ArgumentHelp("The delegated role that signs for them.", valueName: "role"))
    var role = "targets"

    func validate() throws {
        if files.count > 1, !path.hasSuffix("/") {
            throw ValidationError("\(files.count) files cannot all be '\(path)': end it with a slash.")
        }
    }

    func run() throws {
        let said = try custom.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty, parts[0] != "delta" else {
                throw ValidationError("--custom '\(text)': write KEY=VALUE.")
            }
            return JSONObject.Member(parts[0], .string(parts[1]))
        }
        let repository = try location.open()
        for file in files {
            let name = file.split(separator: "/").last.map(String.init) ?? file
            let target = path.hasSuffix("/") ? path + name : path
            var state = stat()
            let bar = TransferBar(target, of: stat(file, &state) == 0 ? UInt64(clamping: state.st_size) : 0)
            defer { bar.end() }
            try publishing { () throws(RepositoryFailure) in
                try repository.stage(file: file, as: target, custom: said.isEmpty ? nil : JSONObject(said), role: role)
                {
                    bar.show($0)
                }
            }
            Output.showLine("\(target) is noted for the next publication.")
        }
    }
}

struct RepoRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Note that targets are to be gone from the next publication on.",
        discussion: "  muster repo remove /srv/updates definitions/old.hsb")

    @OptionGroup var location: RepositoryLocation

    @Argument(help: ArgumentHelp("Targets' paths.", valueName: "path"))
    var paths: [String]

    func run() throws {
        let repository = try location.open()
        try publishing { () throws(RepositoryFailure) in try repository.stage(removing: paths) }
        for path in paths { Output.showLine("\(path) will be gone after the next publication.") }
    }
}

struct RepoPublishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Sign and publish what was noted; with nothing noted, sign snapshot and timestamp anew.",
        discussion: """
            Definitions are loaded by the engine first, and must find EICAR's test file: otherwise nothing is published. \
            Run it each day, from a timer, so that the timestamp never expires.

              muster repo publish /srv/updates
            """)

    @OptionGroup var location: RepositoryLocation

    func run() throws {
        let repository = try location.open()
        let publication = try publishing { () throws(RepositoryFailure) in try repository.publishTested() }
        Output.show(PublicationView(publication).render())
    }
}

struct RepoSampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Make a sample vendor's repository, to try things with.",
        discussion: """
            Its definitions find EICAR's test file, and are as large and change as much as real ones. Its keys lie in the \
            folder: it protects nobody.

              muster repo sample var/vendor
              muster repo sample var/vendor --next      the next version
            """)

    @OptionGroup var location: RepositoryLocation

    @Flag(help: "Publish the next version of a sample that is there.")
    var next = false

    func run() throws {
        let publication = try publishing { () throws(RepositoryFailure) in
            next ? try SampleVendor.publishNext(location.directory) : try SampleVendor.make(location.directory)
        }
        if !next {
            Output.show(
                "\(location.directory) is a SAMPLE vendor's repository. Clients begin with its metadata/1.root.json.")
        }
        Output.show(PublicationView(publication).render())
    }
}

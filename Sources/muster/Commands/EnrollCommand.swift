internal import ArgumentParser
internal import Configuration
internal import Console
internal import ControlProtocol
internal import Fleet
internal import FleetAdmin
internal import Glibc

struct EnrollCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Make this machine a member of a fleet.",
        discussion: """
            Makes a key on this machine, asks the company server that the token names for a certificate, and keeps both \
            where the configuration names the host's identity. The server has to prove itself by the token first.

              muster enroll TOKEN
              muster enroll TOKEN --config /etc/muster/config.yaml
              muster enroll - < token

            An administrator makes the token with `muster fleet token create`.
            """)

    @Argument(help: "The token; - reads it from the standard input, where other users of this machine do not see it.")
    var token: String

    @Option(
        help: ArgumentHelp(
            "The host's configuration, whose host.identity says where the identity belongs. Without it: config.yaml here, or /etc/muster/config.yaml.",
            valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(
        help: ArgumentHelp("The folder of the identity, instead of the configuration's.", valueName: "dir"),
        completion: .directory)
    var directory: String?

    @Option(help: ArgumentHelp("What to call this machine. Without it: its host name.", valueName: "name"))
    var name: String?

    @Flag(help: "Replace the identity that is there.")
    var again = false

    func validate() throws {
        if config != nil, directory != nil { throw ValidationError("Give either --config or --directory, not both.") }
    }

    func run() throws {
        let token: EnrolmentToken
        do throws(FleetIdentityError) {
            token = try EnrolmentToken(self.token == "-" ? Self.standardInput() : self.token)
        } catch {
            throw CommandProblem(message: error.reason)
        }
        let folders = try FleetFolders(configuration: config, directory: directory)
        var enrolment = Enrolment(
            token: token, folder: IdentityFolder(path: folders.identity), name: name ?? Self.hostName())
        enrolment.owner = folders.account
        enrolment.replaces = again
        // A server that goes away in the middle is an error of the connection, not the end of this process.
        signal(SIGPIPE, SIG_IGN)
        do throws(EnrolmentFailure) {
            Output.show(report(try enrolment.run(), folders, enrolment.name))
        } catch {
            throw CommandProblem(message: error.message, advice: error.advice)
        }
    }

    private func report(_ enrolled: Enrolment.Enrolled, _ folders: FleetFolders, _ name: String) -> String {
        let owner = folders.owner.map { ", given to '\($0.name)', as whom workers run" } ?? ""
        let text = """
            This machine is '\(name)' of the fleet '\(enrolled.fleet)'.

            \(IdentityText.list([
                ("client", "\(enrolled.client)"), ("group", enrolled.group), ("server", "\(enrolled.server)"),
                ("identity", "\(folders.identity)\(owner)"),
                ("valid until", "\(IdentityText.day(enrolled.notAfter)); ClientService renews it in time"),
            ]))
            """
        return text + "\n\n" + next(folders)
    }

    private func next(_ folders: FleetFolders) -> String {
        guard let configuration = folders.configuration else {
            return "Name the files of this folder under host.identity of the host's configuration."
        }
        guard folders.isConfigured else {
            return "Add to \(configuration), then `muster check` and `muster reload`:\n\n"
                + IdentityText.indented(folders.lines)
        }
        return Self.answers(configuration)
            ? "A host runs: `muster reload` takes the identity over."
            : "No host runs here: `muster run \(configuration)` starts one."
    }

    /// Whether a host answers that runs this configuration.
    private static func answers(_ configuration: String) -> Bool {
        guard
            let path = ConfigurationReader.controlPath(path: configuration, environment: Output.environment)
        else { return false }
        return (try? ControlClient.request(path: path, .status, timeout: 2)) != nil
    }

    /// Up to the first kilobytes: a token is shorter.
    private static func standardInput() -> String {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while all.count < 8192, case let count = read(STDIN_FILENO, &piece, piece.count), count > 0 {
            all += piece.prefix(count)
        }
        return String(decoding: all, as: UTF8.self)
    }

    private static func hostName() -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress, gethostname(start, buffer.count - 1) == 0 else { return "" }
            buffer[buffer.count - 1] = 0
            return String(cString: start)
        }
    }
}

internal import Configuration
internal import Fleet
internal import FleetAdmin
internal import Glibc
internal import Supervisor

/// Where this machine keeps its identity in the fleet, as its configuration says.
struct FleetFolders {
    /// The configuration; nil: a folder was named instead.
    var configuration: String?
    /// The identity folder.
    var identity: String
    /// Whom the identity shall belong to; nil: whoever writes it.
    var owner: WorkerAccount?
    /// Whether the configuration names the identity; otherwise it has to be added.
    var isConfigured = false

    private static let standardConfigurations = ["config.yaml", "/etc/muster/config.yaml"]

    /// - Parameters:
    ///   - configuration: nil: the first of the standard ones that is there.
    ///   - directory: the identity folder instead of the configuration's.
    init(configuration: String?, directory: String?) throws(CommandProblem) {
        if let directory {
            identity = Self.absolute(directory)
            return
        }
        let candidates = configuration.map { [$0] } ?? Self.standardConfigurations
        guard let file = candidates.first(where: { configuration != nil || access($0, F_OK) == 0 }) else {
            throw CommandProblem(
                message: "there is no configuration here that says where the identity belongs",
                advice: "Name one with --config FILE, or the folder itself with --directory DIR.")
        }
        let settings: Settings
        switch ConfigurationReader.read(path: file, environment: Output.environment) {
        case .success(let read): settings = read
        case .failure(let list):
            Output.complain { list.render(color: $0) }
            throw CommandProblem(message: "\(file) cannot be used", status: 78)
        }
        self.configuration = file
        do throws(WorkerAccountProblem) {
            owner = try Host.workerAccount(for: settings.host)
        } catch {
            throw CommandProblem(message: "\(error)", status: 78)
        }
        if let written = settings.host.identity.certificate?.value {
            identity = try Self.folder(of: settings.host.identity, written, file)
            isConfigured = true
        } else {
            identity = settings.host.dataDirectory.value + "/fleet/identity"
        }
    }

    var account: (uid: UInt32, gid: UInt32)? { owner.map { ($0.userID, $0.groupID) } }

    /// What the configuration needs to name the identity.
    var lines: String { Self.lines(of: identity) }

    static func lines(of folder: String) -> String {
        """
        host:
          identity:
            certificate: \(folder)/identity.pem
            private_key: \(folder)/identity.pem
            authority: \(folder)/authority.pem
        """
    }

    /// The key and the certificate are one file, so that both are replaced at once.
    private static func folder(
        of identity: HostSettings.Identity, _ certificate: String, _ file: String
    ) throws(CommandProblem) -> String {
        let folder = certificate.lastIndex(of: "/").map { String(certificate[..<$0]) } ?? "."
        let expected = IdentityFolder(path: folder)
        guard certificate == expected.identityPath, identity.privateKey?.value == certificate,
            identity.authority?.value == expected.authorityPath
        else {
            throw CommandProblem(
                message: "host.identity of \(file) names files of another kind than an identity of the fleet",
                advice:
                    "An identity of the fleet is a folder: certificate and private_key are both its identity.pem, and "
                    + "authority its authority.pem. Change host.identity so, or name a folder with --directory DIR.",
                status: 78)
        }
        return folder
    }

    /// As a person writes it, from the root on.
    static func absolute(_ path: String) -> String {
        var whole = path
        if !path.hasPrefix("/") {
            guard let current = getcwd(nil, 0) else { return path }
            defer { free(current) }
            whole = String(cString: current) + "/" + path
        }
        return "/" + whole.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// An administrator's: MUSTER_FLEET, or ~/.config/muster/fleet.
    static func administrator() throws(CommandProblem) -> String {
        if let path = Output.environment["MUSTER_FLEET"], !path.isEmpty { return absolute(path) }
        guard let home = Output.environment["HOME"], home.hasPrefix("/") else {
            throw CommandProblem(
                message: "there is no home folder for the administrator's identity",
                advice: "Name a folder: --admin-directory DIR.")
        }
        return home + "/.config/muster/fleet"
    }

    /// A problem of an identity as the command shows it.
    static func problem(_ error: FleetIdentityError, advice: String? = nil) -> CommandProblem {
        CommandProblem(message: error.reason, advice: advice)
    }
}

internal import ArgumentParser
internal import Fleet
internal import FleetAdmin

/// Which company server a command asks, and as whom.
struct FleetConnection: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder of your identity. Without it: the one that MUSTER_FLEET names, or else ~/.config/muster/fleet.",
            valueName: "dir"),
        completion: .directory)
    var identity: String?

    @Option(
        help: ArgumentHelp(
            "Where ClientService of the company server is, instead of what the identity says; sweeps and polls are then ordered at the next two ports.",
            valueName: "host:port"))
    var server: String?

    func validate() throws {
        do { _ = try address } catch { throw ValidationError("--server: \(error)") }
    }

    /// What cannot be asked ends a command with this.
    static let couldNotAsk: Int32 = 3

    func client() throws(CommandProblem) -> AdminClient {
        do throws(AdminFailure) {
            let folder = IdentityFolder(path: folder)
            return try AdminClient(try AdminAccess(folder, server: try? address))
        } catch {
            throw CommandProblem(error)
        }
    }

    private var address: ServerAddress? { get throws(FleetIdentityError) { try server.map(Self.read) } }

    private static func read(_ text: String) throws(FleetIdentityError) -> ServerAddress { try ServerAddress(text) }

    /// Where the identity is read from.
    var folder: String {
        if let identity { return identity }
        let environment = Output.environment
        if let named = environment["MUSTER_FLEET"], !named.isEmpty { return named }
        return (environment["HOME"] ?? "") + "/.config/muster/fleet"
    }
}

extension CommandProblem {
    init(_ failure: AdminFailure) {
        self.init(
            message: failure.message, advice: failure.advice, status: FleetConnection.couldNotAsk,
            selector: failure.selector)
    }
}

/// Runs what asks the server; its failures are the command's.
func asking<Value>(_ body: () throws(AdminFailure) -> Value) throws(CommandProblem) -> Value {
    do throws(AdminFailure) { return try body() } catch { throw CommandProblem(error) }
}

internal import ArgumentParser
internal import Configuration
internal import ControlProtocol
internal import Glibc

/// Which host a command speaks to.
struct ControlSocket: ParsableArguments {
    @Option(
        help: ArgumentHelp("The control socket of the host.", valueName: "path"), completion: .file())
    var control: String?

    @Option(
        help: ArgumentHelp(
            "The configuration that the host runs; its host.control names the socket. Without either option: config.yaml here, /etc/muster/config.yaml, or else /run/muster/control.sock.",
            valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    func validate() throws {
        if control != nil, config != nil { throw ValidationError("Give either --control or --config, not both.") }
    }

    /// Where the host listens when nobody says otherwise.
    private static let standardPath = "/run/muster/control.sock"
    private static let standardConfigurations = ["config.yaml", "/etc/muster/config.yaml"]

    /// The socket's path.
    func path() throws(CommandProblem) -> String {
        if let control { return control }
        let candidates = config.map { [$0] } ?? Self.standardConfigurations
        guard let file = candidates.first(where: { config != nil || access($0, F_OK) == 0 }) else {
            return Self.standardPath
        }
        if let path = ConfigurationReader.controlPath(path: file, environment: Output.environment) { return path }
        if case .failure(let list) = ConfigurationReader.read(path: file, environment: Output.environment) {
            Output.complain { list.render(color: $0) }
        }
        throw CommandProblem(
            message: "\(file) does not tell where its host answers (host.control)",
            advice: "What runs goes on. Correct the file, or name the socket: --control \(Self.standardPath)")
    }

    /// Asks, and waits for the answer.
    /// - Parameter seconds: how long the whole may take.
    func ask(_ request: ControlRequest, at path: String, timeout seconds: Double) throws(CommandProblem)
        -> ControlResponse
    {
        let response: ControlResponse
        do throws(ChannelError) {
            response = try ControlClient.request(path: path, request, timeout: seconds)
        } catch {
            throw Self.problem(error, at: path)
        }
        if case .refused(let reason) = response { throw CommandProblem(message: reason) }
        return response
    }

    private static func problem(_ error: ChannelError, at path: String) -> CommandProblem {
        switch error.code {
        case .system(ENOENT), .system(ECONNREFUSED), .system(ENOTDIR):
            CommandProblem(
                message: "no host answers at \(path)",
                advice: "Start one with `muster run`, or name the host you mean: --config FILE or --control PATH.")
        case .system(EACCES), .system(EPERM):
            CommandProblem(
                message: "you may not ask the host at \(path)",
                advice: "Only root and the user who started the host may: try `sudo muster …`.")
        case .timedOut:
            CommandProblem(
                message: "the host at \(path) gave no answer in time",
                advice: "It may still be at work: look at its log, or at `muster status` a little later.")
        case .closed:
            CommandProblem(
                message: "the host at \(path) ended before it answered", advice: "Its log says why.")
        case .malformed, .tooLarge:
            CommandProblem(
                message: "what answers at \(path) is not a host of this version (\(error))",
                advice: "Use the `muster` that started the host.")
        case .overflow, .system:
            CommandProblem(message: "the host at \(path) cannot be asked: \(error)")
        }
    }
}

/// An answer that does not fit the question: another version of the host.
func unexpectedAnswer(at path: String) -> CommandProblem {
    CommandProblem(
        message: "the host at \(path) answered something else than it was asked",
        advice: "Use the `muster` that started the host.")
}

import ControlProtocol
import Glibc

/// The credentials process (`muster credentials`) while somebody needs it: started for the first question, ended with
/// this object.
final class CredentialProcess {
    /// For one answer. Making a key takes milliseconds.
    private static let timeout: Nanoseconds = .seconds(5)

    private let environment: [String: String]
    private var running: WorkerProcess?

    init(environment: [String: String]) {
        self.environment = environment
    }

    deinit {
        guard let running else { return }
        running.signal(SIGKILL)
        // It cannot refuse, and is not waited for longer than the kernel takes.
        while running.reap() == nil { running.waitForEnd() }
    }

    func ask(_ request: CredentialRequest) throws(Refusal) -> CredentialAnswer {
        let process: WorkerProcess
        if let running {
            process = running
        } else {
            process = try start()
            running = process
        }
        do throws(ChannelError) {
            return try process.channel.ask(
                request, for: CredentialAnswer.self, until: monotonicNow().after(Self.timeout))
        } catch {
            let words = process.finishOutput().map { printable($0.1) }.joined(separator: "\n")
            throw Refusal(
                reason:
                    "the process that checks certificates did not answer: \(error)\(words.isEmpty ? "" : ":\n")\(words)"
            )
        }
    }

    private func start() throws(Refusal) -> WorkerProcess {
        let spawner = Spawner(arguments: ["muster", "credentials"])
        do throws(SystemError) {
            let child = try spawner.spawn(environment: Spawner.environment(from: environment, isDebugging: false))
            return WorkerProcess(child, id: WorkerID(number: 0), name: "credentials", generation: 0, proposal: 0)
        } catch {
            throw Refusal(reason: "\(error)")
        }
    }
}

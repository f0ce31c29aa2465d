import Glibc
import MusterABI

extension Host {
    static let launches = Registry<HelperLaunch>()

    /// Has the host start a helper of the description, and tells what came of it, on the control thread.
    /// - Parameter arguments: what follows the program's name on its command line: at most 64, and 32 KiB.
    /// - Throws: at once for what cannot be asked: an undeclared helper, arguments beyond the limits, a 17th helper, a
    ///   component that has stopped, a host without `muster.process/1`.
    public func start(
        _ helper: HelperProgram, arguments: [String] = [],
        then started: @escaping @Sendable (Result<HelperProcess, PluginError>) -> Void
    ) throws(PluginError) {
        guard link.isOpen, let process = link.process else { throw .lacking(.process) }
        let context = Self.launches.add(HelperLaunch(helper.name, link, started: started))
        var handler = muster_process_handler.sized()
        handler.context = context
        handler.on_started = { context, number, socket in
            guard let launch = Host.launches.find(context) else {
                // Nobody would close it.
                close(socket)
                return
            }
            launch.didStart(number, socket: socket)
        }
        handler.on_failed = { context, _, reason in Host.launches.remove(context)?.didFail(reason.repairedText) }
        handler.on_ended = { context, _, ending, code in
            Host.launches.remove(context)?.didEnd(ending == MUSTER_PROCESS_EXITED ? .exited(code) : .signalled(code))
        }
        var error = muster_error.sized()
        let texts = TextPairs(arguments.map { ($0, "") }) { text, _ in text }
        let status = withExtendedLifetime(texts) {
            withABIText(helper.name) {
                process.start(
                    process.context, $0, texts.pairs.baseAddress, texts.pairs.count, &handler, nil, &error)
            }
        }
        guard status == MUSTER_OK else {
            Self.launches.remove(context)
            throw PluginError(status: status, error: error, doing: "start the helper \(helper.name)")
        }
    }

    /// Has the host start a helper of the description, and returns when it runs. Throws `PluginError` where it cannot be
    /// started.
    public func start(_ helper: HelperProgram, arguments: [String] = []) async throws -> HelperProcess {
        try await withCheckedThrowingContinuation { continuation in
            // Either the host calls back once, or start throws and it never does.
            do {
                try start(helper, arguments: arguments) { continuation.resume(with: $0) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}

import MusterABI
import Locks

/// Why blocking work was not done.
public enum WorkError: Error, Sendable, Equatable {
    /// 1,024 pieces wait already: try again later, or answer 503.
    case busy
    /// The component stops.
    case stopped
    /// The host lacks `muster.work/1`.
    case unsupported
}

extension Host {
    /// A piece of work and what follows it. `run` is taken by whichever comes first, its turn or its cancellation.
    final class Work: Sendable {
        let run: Locked<(@Sendable () -> Void)?>
        let done: @Sendable (_ cancelled: Bool) -> Void

        init(run: @escaping @Sendable () -> Void, done: @escaping @Sendable (Bool) -> Void) {
            self.run = Locked(run)
            self.done = done
        }

        func takeRun() -> (@Sendable () -> Void)? { run.withLock { $0.take() } }
    }

    static let works = Registry<Work>()

    /// Runs `body`, which may block, on the host's bounded pool of threads; then `done` on the control thread.
    /// - Parameter done: told whether the component stopped before `body` had its turn.
    public func work(
        _ body: @escaping @Sendable () -> Void, done: @escaping @Sendable (_ cancelled: Bool) -> Void = { _ in }
    ) throws(WorkError) {
        guard let work = link.work else { throw .unsupported }
        guard link.isOpen else { throw .stopped }
        let context = Self.works.add(Work(run: body, done: done))
        var item = muster_work_item.sized()
        item.context = context
        item.run = { Host.works.find($0)?.takeRun()?() }
        item.done = { context, _ in
            guard let work = Host.works.remove(context) else { return }
            // What is still here to be taken was not run, whatever the host says of it.
            work.done(work.takeRun() != nil)
        }
        let status = work.submit(work.context, &item)
        guard status != MUSTER_OK else { return }
        Self.works.remove(context)
        throw status == MUSTER_BUSY ? .busy : status == MUSTER_UNSUPPORTED ? .unsupported : .stopped
    }

    /// Runs `body`, which may block, on the host's bounded pool of threads, and returns what it returned. Throws
    /// `WorkError`, or what `body` throws.
    public func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            // Exactly one of the three ends the wait: run and a cancelled done exclude each other, see takeRun.
            do {
                try work({ continuation.resume(with: Result { try body() }) }) { cancelled in
                    if cancelled { continuation.resume(throwing: WorkError.stopped) }
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}

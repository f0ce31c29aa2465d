import Locks
import MusterABI

extension Host {
    static let calls = Registry<CallUnderWay>()

    /// Calls a service and waits for its reply: `payload` and the reply have 256 KiB at most. A call to a component that is
    /// being restarted or reloaded waits for it. Cancelling the task gives the call up.
    ///
    /// - Parameter timeout: at most an hour.
    /// - Throws: `BusError`; its `mayHaveBeenDone` tells whether trying again may do it twice.
    public func call(
        _ service: Service, _ method: String, _ payload: [UInt8] = [], timeout: Duration
    ) async throws(BusError) -> [UInt8] {
        let underWay = CallUnderWay(link)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                underWay.begin(continuation, service, method, payload, timeout)
            }
        } onCancel: {
            underWay.cancel()
        }
        return try result.get()
    }
}

/// A call that is waited for. Its continuation is taken by the one who ends it.
final class CallUnderWay: Sendable {
    typealias Answer = Result<[UInt8], BusError>

    private struct State {
        var continuation: CheckedContinuation<Answer, Never>?
        /// The host's number, once there is one.
        var id: muster_bus_call = 0
        var isCancelled = false
    }

    private let link: HostLink
    private let state = Locked(State())

    init(_ link: HostLink) { self.link = link }

    func begin(
        _ continuation: CheckedContinuation<Answer, Never>, _ service: Service, _ method: String, _ payload: [UInt8],
        _ timeout: Duration
    ) {
        state.withLock { $0.continuation = continuation }
        guard link.isOpen, let bus = link.bus else { return end(.failure(.lackingBus)) }
        let context = Host.calls.add(self)
        var options = muster_bus_call_options.sized()
        options.context = context
        options.timeout = timeout.wholeNanoseconds
        options.on_reply = { context, _, answer in CallUnderWay.take(answer, for: context) }
        var error = muster_error.sized()
        var id: muster_bus_call = 0
        let status = payload.withABIBytes { bytes in
            options.payload = bytes
            return withABIText(service.name) { service in
                options.service = service
                return withABIText(method) { method in
                    options.method = method
                    return bus.call(bus.context, &options, &id, &error)
                }
            }
        }
        guard status == MUSTER_OK else {
            Host.calls.remove(context)
            return end(.failure(BusError(status: status, error: error, doing: "call '\(service)'")))
        }
        let isCancelled = state.withLock { state in
            state.id = id
            return state.isCancelled
        }
        if isCancelled { cancel() }
    }

    /// Gives the call up; its end comes as any other. Before it was made, `begin` sees to that.
    func cancel() {
        let id = state.withLock { state in
            state.isCancelled = true
            return state.id
        }
        guard id != 0, link.isOpen, let bus = link.bus else { return }
        _ = bus.cancel(bus.context, id)
    }

    private static func take(_ answer: UnsafePointer<muster_bus_answer>?, for context: UnsafeMutableRawPointer?) {
        guard let call = Host.calls.remove(context) else { return }
        guard let answer, isUsable(answer, size: MUSTER_BUS_ANSWER_SIZE_1_0) else {
            return call.end(.failure(BusError(.lost, "the host handed over an answer that is none of ABI 1")))
        }
        let payload = answer.pointee.payload.array
        call.end(
            answer.pointee.outcome == MUSTER_BUS_ANSWERED
                ? .success(payload) : .failure(BusError(answer.pointee, payload: payload)))
    }

    private func end(_ answer: Answer) {
        state.withLock { $0.continuation.take() }?.resume(returning: answer)
    }
}

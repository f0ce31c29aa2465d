internal import Fleet
import Locks

/// The long polls that are open: one for each client.
final class LeaseWaiters: Sendable {
    /// Why a wait ended.
    enum Wake: Sendable, Equatable {
        /// There may be something for the client.
        case look
        case timeout
        /// The client asked anew, or has gone.
        case superseded
        /// The component hands over.
        case handover
    }

    /// Names one wait.
    struct Ticket: Sendable {
        let client: ClientID
        fileprivate let number: UInt64
    }

    private struct Waiter {
        var number: UInt64
        /// What came before it was waited for.
        var pending: Wake?
        /// By the clock that nobody sets.
        var deadline: ContinuousClock.Instant
        var continuation: CheckedContinuation<Wake, Never>?
    }

    private struct State {
        var waiters: [ClientID: Waiter] = [:]
        var lastNumber: UInt64 = 0
        var hasEnded = false
    }

    private let state = Locked(State())

    /// Registers before it is looked whether there is anything, so that nothing that comes in between is missed. An older
    /// wait of the same client ends.
    func begin(_ client: ClientID, until deadline: ContinuousClock.Instant) -> Ticket {
        let (number, former) = state.withLock { state in
            state.lastNumber += 1
            let former = state.waiters[client]?.continuation
            state.waiters[client] = Waiter(
                number: state.lastNumber, pending: state.hasEnded ? .handover : nil, deadline: deadline)
            return (state.lastNumber, former)
        }
        former?.resume(returning: .superseded)
        return Ticket(client: client, number: number)
    }

    func wait(_ ticket: Ticket) async -> Wake {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state -> Wake? in
                    guard var waiter = state.waiters[ticket.client], waiter.number == ticket.number else {
                        return .superseded
                    }
                    // Whatever came since: a wait that begins now would hold the hand-over up.
                    if state.hasEnded { return .handover }
                    defer { state.waiters[ticket.client] = waiter }
                    if let pending = waiter.pending {
                        waiter.pending = nil
                        return pending
                    }
                    guard !Task.isCancelled else { return .superseded }
                    waiter.continuation = continuation
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            end(ticket, .superseded)
        }
    }

    /// The client was answered.
    func finish(_ ticket: Ticket) {
        state.withLock { state in
            guard state.waiters[ticket.client]?.number == ticket.number else { return }
            state.waiters[ticket.client] = nil
        }
    }

    private func end(_ ticket: Ticket, _ wake: Wake) {
        let continuation = state.withLock { state -> CheckedContinuation<Wake, Never>? in
            guard var waiter = state.waiters[ticket.client], waiter.number == ticket.number else { return nil }
            let continuation = waiter.continuation.take()
            if continuation == nil { waiter.pending = wake }
            state.waiters[ticket.client] = waiter
            return continuation
        }
        continuation?.resume(returning: wake)
    }

    /// Tells a client to look, where it waits.
    func wake(_ client: ClientID) {
        guard let number = state.withLock({ $0.waiters[client]?.number }) else { return }
        end(Ticket(client: client, number: number), .look)
    }

    func isWaiting(_ client: ClientID) -> Bool { state.withLock { $0.waiters[client] != nil } }

    var count: Int { state.withLock { $0.waiters.count } }

    /// Ends the waits whose time is over.
    func expire(at now: ContinuousClock.Instant) {
        let due = state.withLock { state in
            state.waiters.filter { $0.value.deadline <= now }.map { Ticket(client: $0.key, number: $0.value.number) }
        }
        for ticket in due { end(ticket, .timeout) }
    }

    /// Ends all waits, and every one that comes later at once.
    func endAll() {
        let tickets = state.withLock { state in
            state.hasEnded = true
            return state.waiters.map { Ticket(client: $0.key, number: $0.value.number) }
        }
        for ticket in tickets { end(ticket, .handover) }
    }

    /// The hand-over failed: waits are taken again.
    func reopen() { state.withLock { $0.hasEnded = false } }
}

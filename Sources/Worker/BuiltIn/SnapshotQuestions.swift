/// Who waits for the supervisor's next snapshot. One question is under way at most, and its answer is everybody's who
/// asked meanwhile, so that the supervisor answers no more often than it can, however many ask. Pure.
struct SnapshotQuestions<Waiter> {
    /// Waiters at one time.
    static var limit: Int { 256 }
    /// How long the supervisor may take, nanoseconds.
    static var timeout: UInt64 { 5 * MonotonicTime.second }

    enum Outcome: Equatable {
        /// Ask the supervisor, under this number.
        case ask(UInt64)
        /// It has been asked.
        case wait
        /// Too many wait: this one does not.
        case full
    }

    private var waiters: [Waiter] = []
    private var question: (number: UInt64, deadline: UInt64)?
    private var lastNumber: UInt64 = 0

    mutating func add(_ waiter: Waiter, at now: UInt64) -> Outcome {
        guard waiters.count < Self.limit else { return .full }
        waiters.append(waiter)
        guard question == nil else { return .wait }
        lastNumber += 1
        question = (lastNumber, MonotonicTime.after(now, Self.timeout))
        return .ask(lastNumber)
    }

    /// The question of that number is answered: those whose answer it is. None where it was given up before.
    mutating func answered(_ number: UInt64) -> [Waiter] {
        guard question?.number == number else { return [] }
        return takeAll()
    }

    /// Gives a question up that took too long: those who get no answer.
    mutating func expire(at now: UInt64) -> [Waiter] {
        guard let question, question.deadline <= now else { return [] }
        return takeAll()
    }

    /// Forgets whoever has gone.
    mutating func remove(where isGone: (Waiter) -> Bool) { waiters.removeAll(where: isGone) }

    private mutating func takeAll() -> [Waiter] {
        question = nil
        defer { waiters = [] }
        return waiters
    }
}

import Fleet

/// Which jobs are being carried out, which wait their turn, and who waits for how they end. One is carried out at a time.
/// Pure.
///
///     run ─► begin ─► end ─► release ─► (the next one) begin
///        │     └──── putBack ───┐        ▲
///        └─► queue ◄────────────┘ ───────┘
///
/// While it is suspended nothing begins.
struct WorkUnderWay<Waiter: Sendable>: Sendable {
    struct Item: Sendable {
        var offer: Offer
        var waiters: [Waiter]
    }

    enum Admission: Hashable, Sendable {
        /// Start it now.
        case begin
        /// It is under way already, or waits.
        case joined
        case queued
        /// Too many wait.
        case full
        /// Its end was asked for before it came.
        case cancelled
    }

    enum Dropping: Sendable {
        case unknown
        /// It had not begun; these are to be told.
        case dropped([Waiter])
        case running
    }

    /// Jobs that wait.
    static var queueLimit: Int { 4 }
    /// Jobs whose end was asked for and that were not here.
    static var cancelledLimit: Int { 64 }
    /// Those who wait for one job: a caller whose call timed out asks again, and the old call is dead.
    static var waiterLimit: Int { 8 }

    private(set) var running: Item?
    private(set) var waiting: [Item] = []
    private(set) var isSuspended = false
    private var cancelled: [JobID] = []
    /// The one that runs has an end, though whoever carries it out is not back yet.
    private var hasEnded = false

    mutating func run(_ offer: Offer, for waiter: Waiter) -> Admission {
        if running?.offer.job == offer.job, !hasEnded {
            running?.waiters.append(waiter)
            if let count = running?.waiters.count, count > Self.waiterLimit { running?.waiters.removeFirst() }
            return .joined
        }
        if let index = waiting.firstIndex(where: { $0.offer.job == offer.job }) {
            waiting[index].waiters.append(waiter)
            if waiting[index].waiters.count > Self.waiterLimit { waiting[index].waiters.removeFirst() }
            return .joined
        }
        if cancelled.contains(offer.job) { return .cancelled }
        guard running != nil || isSuspended else {
            running = Item(offer: offer, waiters: [waiter])
            hasEnded = false
            return .begin
        }
        guard waiting.count < Self.queueLimit else { return .full }
        waiting.append(Item(offer: offer, waiters: [waiter]))
        return .queued
    }

    /// What waits is taken out; what runs has to be asked to end.
    mutating func drop(_ job: JobID) -> Dropping {
        if running?.offer.job == job, !hasEnded { return .running }
        guard let waiters = takeWaiting(job) else {
            // A generation that hands over may have been asked to run it: its successor will be, and must not.
            if !cancelled.contains(job) { cancelled.append(job) }
            if cancelled.count > Self.cancelledLimit { cancelled.removeFirst() }
            return .unknown
        }
        return .dropped(waiters)
    }

    /// Takes a job out that waits: those who wait for it; nil where it does not.
    mutating func takeWaiting(_ job: JobID) -> [Waiter]? {
        waiting.firstIndex { $0.offer.job == job }.map { waiting.remove(at: $0).waiters }
    }

    /// The job that runs has an outcome: those who are to be told; nil where it had one before.
    mutating func end(_ job: JobID) -> [Waiter]? {
        guard running?.offer.job == job, !hasEnded else { return nil }
        hasEnded = true
        defer { running?.waiters = [] }
        return running?.waiters
    }

    /// Whoever carried it out is back: the next job, which begins.
    mutating func release(_ job: JobID) -> Offer? {
        guard running?.offer.job == job else { return nil }
        running = nil
        return next()
    }

    /// Whoever carried it out is back without an outcome: it is the first to begin again. Answers the one that begins.
    mutating func putBack(_ job: JobID) -> Offer? {
        guard let item = running, item.offer.job == job else { return nil }
        running = nil
        if !hasEnded { waiting.insert(item, at: 0) }
        return next()
    }

    mutating func suspend() { isSuspended = true }

    /// Answers the job that begins.
    mutating func resume() -> Offer? {
        isSuspended = false
        return next()
    }

    private mutating func next() -> Offer? {
        guard !isSuspended, running == nil, !waiting.isEmpty else { return nil }
        running = waiting.removeFirst()
        hasEnded = false
        return running?.offer
    }
}

/// How long a job may take.
enum WorkLimit {
    /// The time left, from `now` on, by the client's clock; nil where it is over.
    static func left(for offer: Offer, at now: Timestamp) -> Duration? {
        let left = min(offer.deadline - now, .seconds(max(1, min(offer.maxRuntime, 366 * 86400))))
        return left > .zero ? left : nil
    }

    /// Why it ended when the time was over.
    static func sentence(for offer: Offer, at now: Timestamp) -> String {
        offer.deadline <= now
            ? "The job's deadline, \(offer.deadline), has passed."
            : "It took longer than the \(offer.maxRuntime) seconds that the job allows."
    }
}

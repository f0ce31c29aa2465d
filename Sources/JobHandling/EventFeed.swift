import Fleet

/// What is said, and when, to one who watches a job. It keeps the newest counts alone, so that a slow reader misses steps
/// and never delays anything. Pure: times are since any one moment.
struct EventFeed: Sendable {
    enum Step: Hashable, Sendable {
        case counts(JobEvent)
        /// The last.
        case end(JobEvent)
        case alive
        /// The bus hands messages over at most once: ask how the job stands.
        case ask
        /// Nothing now.
        case wait
        /// The stream just ends.
        case close
    }

    /// Between two events.
    static let pace = Duration.milliseconds(250)
    /// Between two comments that keep the connection open.
    static let quiet = Duration.seconds(15)
    /// Without an event for so long, the job is asked for.
    static let freshness = Duration.seconds(5)

    private var latest: JobEvent?
    private var isNew = false
    private var isFinished = false
    private var isClosed = false
    private var saidAt: Duration?
    private var soundedAt: Duration
    private var heardAt: Duration

    init(at now: Duration) {
        soundedAt = now
        heardAt = now
    }

    mutating func take(_ event: JobEvent, isFinished: Bool, at now: Duration) {
        heardAt = now
        // What was asked for may be older than what was told meanwhile; ends are never taken back.
        if let latest, event.counts.terminal < latest.counts.terminal { return }
        if event != latest { isNew = true }
        latest = event
        self.isFinished = self.isFinished || isFinished
    }

    mutating func close() { isClosed = true }

    mutating func next(at now: Duration) -> Step {
        if isClosed { return .close }
        if isFinished, let latest {
            isClosed = true
            return .end(latest)
        }
        if isNew, let latest, saidAt.map({ now - $0 >= Self.pace }) ?? true {
            isNew = false
            saidAt = now
            soundedAt = now
            return .counts(latest)
        }
        if now - heardAt >= Self.freshness {
            heardAt = now
            return .ask
        }
        if now - soundedAt >= Self.quiet {
            soundedAt = now
            return .alive
        }
        return .wait
    }
}

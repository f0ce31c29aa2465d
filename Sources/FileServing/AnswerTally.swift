import Synchronization

/// How many requests for files were answered, and how.
public struct AnswerCounts: Sendable, Equatable, Codable {
    /// With the whole file.
    public var whole: UInt64 = 0
    /// With parts of it.
    public var partial: UInt64 = 0
    /// The client has it already.
    public var notModified: UInt64 = 0
    public var notFound: UInt64 = 0
    /// It could not be read, or a condition of the client's did not hold.
    public var failed: UInt64 = 0
}

/// Counts answers, from any thread.
final class AnswerTally: Sendable {
    enum Kind { case whole, partial, notModified, notFound, failed }

    private let whole = Atomic<UInt64>(0)
    private let partial = Atomic<UInt64>(0)
    private let notModified = Atomic<UInt64>(0)
    private let notFound = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)

    func count(_ kind: Kind) {
        switch kind {
        case .whole: whole.add(1, ordering: .relaxed)
        case .partial: partial.add(1, ordering: .relaxed)
        case .notModified: notModified.add(1, ordering: .relaxed)
        case .notFound: notFound.add(1, ordering: .relaxed)
        case .failed: failed.add(1, ordering: .relaxed)
        }
    }

    var counts: AnswerCounts {
        AnswerCounts(
            whole: whole.load(ordering: .relaxed), partial: partial.load(ordering: .relaxed),
            notModified: notModified.load(ordering: .relaxed), notFound: notFound.load(ordering: .relaxed),
            failed: failed.load(ordering: .relaxed))
    }
}

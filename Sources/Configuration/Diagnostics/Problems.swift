/// The problems found so far in one source, in any order. They become diagnostics at the end, when it is known which
/// parts of the text are secret.
struct Problems {
    private struct Problem {
        var message: String
        var span: SourceSpan?
        var note: (message: String, span: SourceSpan)?
    }

    /// More than a person reads in one go; the rest is counted.
    static let limit = 100

    let source: SourceText
    /// Parts of the text that no excerpt may show.
    var hidden: [SourceSpan] = []
    private var problems: [Problem] = []
    private var omittedCount = 0

    init(in source: SourceText) {
        self.source = source
    }

    var isEmpty: Bool { problems.isEmpty }

    var count: Int { problems.count + omittedCount }

    /// Whether further problems are only counted, so that their words need not be found.
    var isFull: Bool { problems.count >= Self.limit }

    /// The lines that excerpts will show.
    var shownLines: Set<Int> {
        Set(problems.flatMap { [$0.span?.start.line, $0.note?.span.start.line].compactMap { $0 } })
    }

    /// `span` nil: no place in the file is to blame.
    mutating func add(_ message: String, at span: SourceSpan?, note: (message: String, span: SourceSpan)? = nil) {
        guard !isFull else {
            omittedCount += 1
            return
        }
        problems.append(Problem(message: message, span: span, note: note))
    }

    /// Everything, sorted by place; problems without a place come last. nil: there are none.
    func list() -> DiagnosticList? {
        guard !problems.isEmpty else { return nil }
        let sorted = problems.enumerated().sorted { left, right in
            switch (left.element.span?.start, right.element.span?.start) {
            case (let first?, let second?) where first != second: first < second
            case (.some, nil): true
            case (nil, .some): false
            default: left.offset < right.offset
            }
        }
        return DiagnosticList(diagnostics: sorted.map { diagnostic($0.element) }, omittedCount: omittedCount)
    }

    private func diagnostic(_ problem: Problem) -> Diagnostic {
        guard let span = problem.span else { return Diagnostic(problem.message) }
        var diagnostic = source.diagnostic(problem.message, at: span, hiding: hidden)
        if let note = problem.note {
            diagnostic.notes = [source.diagnostic(note.message, at: note.span, hiding: hidden)]
        }
        return diagnostic
    }
}

extension SourceText {
    /// What a secret looks like in an excerpt: always as long, so that it does not tell the length.
    static let mask = "*****"

    /// A diagnostic at `span` that shows its first line, with every part of `hidden` masked.
    func diagnostic(_ message: String, at span: SourceSpan, hiding hidden: [SourceSpan] = []) -> Diagnostic {
        let excerpt = excerpt(at: span, hiding: hidden)
        var diagnostic = Diagnostic(
            message, at: location(span.start), line: excerpt.line, length: excerpt.length)
        if excerpt.column != span.start.column { diagnostic.lineColumn = excerpt.column }
        return diagnostic
    }

    private struct Excerpt {
        var line: String
        var column: Int
        var length: Int
    }

    /// Scalars kept on each side of the blamed place: a file may be one line of a megabyte.
    private static let reach = 200

    private func excerpt(at span: SourceSpan, hiding hidden: [SourceSpan]) -> Excerpt {
        let number = span.start.line
        let scalars = Array(line(number).unicodeScalars)
        let start = min(max(0, span.start.column - 1), scalars.count)
        let end = span.end.line > number ? scalars.count : min(max(start, span.end.column - 1), scalars.count)
        let kept = max(0, start - Self.reach)..<min(scalars.count, start + Self.reach)
        let masks = masks(on: number, width: scalars.count, of: hidden).filter { $0.overlaps(kept) }

        var shown = String.UnicodeScalarView()
        var count = 0
        var shownStart: Int?
        var shownEnd: Int?
        var index = kept.lowerBound
        // A masked stretch that began before the part that is kept must be masked from its beginning.
        if let mask = masks.first(where: { $0.contains(index) }) { index = mask.lowerBound }
        let limit = kept.upperBound
        var isCut = index > 0
        if isCut { shown.append("…"); count += 1 }
        while index < limit {
            let mask = masks.first(where: { $0.lowerBound == index })
            let next = mask?.upperBound ?? index + 1
            if shownStart == nil, start < next { shownStart = count }
            if shownEnd == nil, end <= index { shownEnd = count }
            if mask != nil {
                shown.append(contentsOf: Self.mask.unicodeScalars)
                count += Self.mask.unicodeScalars.count
            } else {
                shown.append(scalars[index])
                count += 1
            }
            index = next
        }
        isCut = limit < scalars.count
        let from = shownStart ?? count
        let to = shownEnd ?? count
        if isCut { shown.append("…") }
        return Excerpt(line: String(shown), column: from + 1, length: max(1, to - from))
    }

    /// The stretches of one line that are masked, as offsets of scalars, apart from each other and in order.
    private func masks(on number: Int, width: Int, of hidden: [SourceSpan]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for span in hidden where span.start.line <= number && span.end.line >= number {
            let lower = span.start.line < number ? 0 : min(span.start.column - 1, width)
            let upper = span.end.line > number ? width : min(span.end.column - 1, width)
            if lower < upper { ranges.append(lower..<upper) }
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var merged: [Range<Int>] = []
        for range in ranges {
            if let last = merged.last, range.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }
}

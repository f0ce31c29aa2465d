import PluginKit

/// The header fields of a request that make its answer depend on the state of the file (RFC 9110 §13 and §14.2).
struct Conditions: Sendable, Equatable {
    var ifMatch: String?
    var ifNoneMatch: String?
    var ifModifiedSince: String?
    var ifUnmodifiedSince: String?
    var ifRange: String?
    var range: String?

    /// What is to be sent.
    enum Verdict: Equatable {
        case whole
        case parts([Range<UInt64>])
        case notModified
        case preconditionFailed
        case rangeNotSatisfiable
    }

    /// The validators of a file.
    struct Validators: Equatable {
        var tag: EntityTag
        /// Seconds since 1970; nil where HTTP cannot say it.
        var lastModified: Int64?
        /// Whether the file was seen so long after its last change that a second change in the same second would have
        /// another date: then its date names one content (RFC 9110 §8.8.2.2).
        var isDateStrong: Bool
        var size: UInt64
    }

    /// In the order of RFC 9110 §13.2.2.
    /// - Parameter now: seconds since 1970.
    func verdict(_ method: Method, _ file: Validators, now: Int64) -> Verdict {
        if let ifMatch {
            guard EntityTagList(ifMatch).contains(where: file.tag.matchesStrongly) else { return .preconditionFailed }
        } else if let since = date(ifUnmodifiedSince, now), let lastModified = file.lastModified, lastModified > since {
            return .preconditionFailed
        }
        if let ifNoneMatch {
            // Of the two methods served here, both answer 304 rather than 412.
            if EntityTagList(ifNoneMatch).contains(where: file.tag.matchesWeakly) { return .notModified }
        } else if let since = date(ifModifiedSince, now), let lastModified = file.lastModified, lastModified <= since {
            return .notModified
        }
        guard method == .get, let range, rangeApplies(file, now) else { return .whole }
        switch ByteRanges(range, size: file.size) {
        case .ignored: return .whole
        case .unsatisfiable: return .rangeNotSatisfiable
        case .parts(let parts): return .parts(parts)
        }
    }

    /// If-Range (RFC 9110 §13.1.5): a tag must match strongly, a date must be the file's own, and strong.
    private func rangeApplies(_ file: Validators, _ now: Int64) -> Bool {
        guard let ifRange else { return true }
        if let tag = EntityTag(ifRange) { return file.tag.matchesStrongly(tag) }
        guard let date = date(ifRange, now) else { return false }
        return file.isDateStrong && date == file.lastModified
    }

    private func date(_ text: String?, _ now: Int64) -> Int64? { text.flatMap { HTTPDate.seconds($0, now: now) } }
}

extension Conditions {
    /// Nil where the request has none, which is the common case: found out without making a String.
    init?(_ request: borrowing Request) {
        var found: Conditions?
        for index in 0..<request.headerCount {
            let name = request.headerName(at: index)
            guard let field = Self.field(name) else { continue }
            var conditions = found ?? Conditions()
            let value = String(request.headerValue(at: index))
            // Lines of one list are one list; of a single value sent twice, neither counts: a comma makes it invalid.
            conditions[keyPath: field] = conditions[keyPath: field].map { "\($0), \(value)" } ?? value
            found = conditions
        }
        guard let found else { return nil }
        self = found
    }

    /// By length first: almost every header field of almost every request is none of these.
    private static func field(_ name: borrowing BorrowedText) -> WritableKeyPath<Conditions, String?>? {
        switch name.bytes.count {
        case 5: name.equalsIgnoringCase("range") ? \.range : nil
        case 8:
            name.equalsIgnoringCase("if-match") ? \.ifMatch : name.equalsIgnoringCase("if-range") ? \.ifRange : nil
        case 13: name.equalsIgnoringCase("if-none-match") ? \.ifNoneMatch : nil
        case 17: name.equalsIgnoringCase("if-modified-since") ? \.ifModifiedSince : nil
        case 19: name.equalsIgnoringCase("if-unmodified-since") ? \.ifUnmodifiedSince : nil
        default: nil
        }
    }
}

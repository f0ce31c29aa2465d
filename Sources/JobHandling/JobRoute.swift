import Fleet
import PluginKit

/// What a request's target names.
enum JobRoute: Hashable, Sendable {
    /// `/v1/polls`
    case orders
    /// `/v1/polls/{id}`
    case job(JobID)
    /// `/v1/polls/{id}/events`
    case events(JobID)
    /// `/v1/doorbell`
    case doorbell
    case nothing

    /// - Parameter base: `/v1/polls`.
    init(base: String, path: some StringProtocol) {
        if path == "/v1/doorbell" {
            self = .doorbell
        } else if path == base {
            self = .orders
        } else if path.hasPrefix(base + "/") {
            let parts = path.dropFirst(base.count + 1).split(separator: "/", omittingEmptySubsequences: false)
            guard let id = parts.first.flatMap({ JobID($0) }) else {
                self = .nothing
                return
            }
            self = parts.count == 1 ? .job(id) : parts.count == 2 && parts[1] == "events" ? .events(id) : .nothing
        } else {
            self = .nothing
        }
    }

    /// As the field Allow lists them.
    var methods: String {
        switch self {
        case .orders, .doorbell: "POST"
        case .job: "GET, HEAD, DELETE"
        case .events: "GET"
        case .nothing: ""
        }
    }

    func allows(_ method: String) -> Bool { methods.split(separator: ", ").contains { $0 == method } }
}

/// `?after=…&limit=…`
struct RowsQuery: Hashable, Sendable {
    var after: String?
    var limit = 100

    private static let limits = 0...500
    private static let afterLimit = 200

    /// Other names are passed over. Throws a `Problem` of 400.
    init(target: String) throws(Problem) {
        guard let mark = target.firstIndex(of: "?") else { return }
        for pair in target[target.index(after: mark)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1]) : ""
            switch parts[0] {
            case "limit":
                guard value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let limit = Int(value),
                    Self.limits.contains(limit)
                else { throw Problem(400, .invalid, "'limit' must be a number from 0 to \(Self.limits.upperBound).") }
                self.limit = limit
            case "after":
                guard let after = Self.decoded(value), (1...Self.afterLimit).contains(after.utf8.count) else {
                    throw Problem(400, .invalid, "'after' must be what 'next' of the page before was.")
                }
                self.after = after
            default: break
            }
        }
    }

    /// nil where a percent sign is followed by anything but two digits (RFC 3986 §2.1), or what comes out is not UTF-8.
    private static func decoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

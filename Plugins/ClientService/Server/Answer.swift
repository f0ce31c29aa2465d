internal import Fleet
import FoundationEssentials
import PluginKit

/// One answer, made whole before it is sent.
struct Answer: Sendable {
    enum Content: Sendable {
        case bytes([UInt8])
        case file(OpenFile, size: UInt64)
    }

    var status: Status
    var headers: HeaderFields
    var content: Content

    private static let document: HeaderFields = [
        "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    ]
    private static let problem: HeaderFields = [
        "Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    ]
    /// Ask again at once.
    private static let atOnce: HeaderFields = ["Retry-After": "0"]

    static func json(_ value: some Encodable, _ status: Status = .ok) throws -> Answer {
        Answer(status: status, headers: document, content: .bytes(try FleetJSON.encode(value) + [UInt8(ascii: "\n")]))
    }

    static let nothing = Answer(status: .noContent, headers: .none, content: .bytes([]))
    /// The long poll has ended: ask again at once.
    static let nothingYet = Answer(status: .noContent, headers: atOnce, content: .bytes([]))

    static func problem(_ problem: Problem) -> Answer {
        var headers = Self.problem
        switch problem.code {
        case .handingOver: headers = headers.adding([("Retry-After", "0")])
        case .busy, .store, .unavailable: headers = headers.adding([("Retry-After", "5")])
        default: break
        }
        return Answer(
            status: Status(rawValue: UInt32(clamping: problem.status)), headers: headers,
            content: .bytes(((try? FleetJSON.encode(problem)) ?? []) + [UInt8(ascii: "\n")]))
    }

    func send(_ exchange: Exchange) {
        switch content {
        case .bytes(let bytes): exchange.respond(status, headers, body: bytes)
        case .file(let file, let size): exchange.respond(status, headers, file: file, range: 0..<size)
        }
    }
}

/// The part of a target behind `?` (application/x-www-form-urlencoded).
struct Query: Sendable, Equatable {
    private var values: [String: String] = [:]

    init(_ target: String) {
        guard let mark = target.firstIndex(of: "?") else { return }
        for pair in target[target.index(after: mark)...].split(separator: "&").prefix(32) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = parts.count > 1 ? Self.decoded(parts[1]) : "" else {
                continue
            }
            values[name] = value
        }
    }

    private static func decoded(_ text: Substring) -> String? {
        String(text.map { $0 == "+" ? " " : $0 }).removingPercentEncoding
    }

    subscript(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// How many rows are wanted: 1 to 500.
    func limit() throws(Problem) -> Int {
        guard let text = self["limit"] else { return 100 }
        guard let number = Int(text), (0...500).contains(number) else {
            throw Problem(400, .invalid, "limit is a number from 0 to 500.")
        }
        return number
    }

    /// The value as an identifier or another thing that has a text.
    func value<Value>(_ name: String, _ read: (String) -> Value?) throws(Problem) -> Value? {
        guard let text = self[name] else { return nil }
        guard let value = read(text) else {
            throw Problem(400, .invalid, "\(name) is not what it has to be: \(text.shortened).")
        }
        return value
    }
}

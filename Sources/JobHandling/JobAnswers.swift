import Fleet
import PluginKit

/// The answers of a handler's port.
enum JobAnswers {
    private static let always: [(name: String, value: String)] = [
        ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
    ]
    private static let document = HeaderFields([("Content-Type", "application/json")] + always)
    private static let problem = HeaderFields([("Content-Type", "application/problem+json")] + always)
    static let events = HeaderFields([("Content-Type", "text/event-stream")] + always)

    /// One JSON document and a line break.
    static func send(
        _ value: some Encodable, _ status: Status = .ok, adding fields: [(name: String, value: String)] = [],
        to exchange: Exchange
    ) throws {
        exchange.respond(
            status, fields.isEmpty ? document : document.adding(fields),
            body: try FleetJSON.encode(value) + [UInt8(ascii: "\n")])
    }

    static func refuse(_ problem: Problem, adding fields: [(name: String, value: String)] = [], to exchange: Exchange) {
        var problem = problem
        // What came over the bus is another component's.
        if !(400...599).contains(problem.status) { problem.status = 500 }
        var fields = fields
        if problem.status == 503 { fields.append(("Retry-After", problem.code == .handingOver ? "0" : "2")) }
        // A problem is words and numbers, which can always be written.
        let body = (try? FleetJSON.encode(problem)) ?? []
        exchange.respond(
            Status(rawValue: UInt32(problem.status)), Self.problem.adding(fields), body: body + [UInt8(ascii: "\n")])
    }

    /// An event of a stream (HTML, "Server-sent events").
    static func event(_ name: String, _ event: JobEvent) throws -> [UInt8] {
        Array("event: \(name)\ndata: ".utf8) + (try FleetJSON.encode(event)) + Array("\n\n".utf8)
    }

    static let alive = Array(": alive\n\n".utf8)
}

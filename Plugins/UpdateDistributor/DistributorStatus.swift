import FileServing
import FoundationEssentials
import PluginKit

/// What `GET /v1/status` answers.
struct DistributorStatus: Codable, Sendable, Equatable {
    /// The component's name in the configuration.
    var component: String
    var version: String
    var generation: UInt64
    var uptimeSeconds: Int64
    /// Since this worker started.
    var answers: AnswerCounts
    /// Requests that were put off, likewise.
    var refused: UInt64
    /// The version of what is served; nil: there is no repository yet.
    var snapshot: Int64?
    /// When clients refuse it: the earliest of all roles. `2030-01-31T23:59:59Z`.
    var expires: String?
    var secondsLeft: Int64?
    var targets: Int?
    /// Why the repository cannot be read; nil: it can.
    var repositoryError: String?
    /// Which snapshot the clients fetched last.
    var versions: [VersionCounts.Row]

    private static let fields: HeaderFields = [
        "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    ]

    func answer(_ exchange: Exchange) {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(self) else { return DistributorAnswers.notFound(exchange) }
        exchange.respond(.ok, Self.fields, body: [UInt8](text) + [UInt8(ascii: "\n")])
    }
}

/// The answers that carry nothing.
enum DistributorAnswers {
    private static let plain: HeaderFields = [
        "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff",
    ]

    static func notFound(_ exchange: Exchange) {
        exchange.respond(.notFound, plain, text: "There is no such file. Folders are not listed.\n")
    }

    static func methodNotAllowed(_ exchange: Exchange) {
        exchange.respond(
            .methodNotAllowed, plain.adding([(name: "Allow", value: "GET, HEAD")]),
            text: "It is read here: GET and HEAD only.\n")
    }

    static func comeAgain(_ exchange: Exchange, in seconds: Int64) {
        exchange.respond(
            .serviceUnavailable, plain.adding([(name: "Retry-After", value: "\(seconds)")]),
            text: "Too many come at once. Come again in \(seconds) seconds.\n")
    }
}

import FoundationEssentials
import PluginKit

/// The answers of the service itself.
enum ServiceAnswers {
    private static let plain: HeaderFields = [
        "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff",
    ]
    private static let methods = plain.adding([(name: "Allow", value: "GET, HEAD")])
    private static let document: HeaderFields = [
        "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    ]

    /// One JSON document with keys in lower-case words, in order, and a line break at its end.
    static func json(_ value: some Encodable, _ exchange: Exchange) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        exchange.respond(.ok, document, body: [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")])
    }

    static func notFound(_ exchange: Exchange) {
        exchange.respond(.notFound, plain, text: "There is nothing here. The service answers GET /v1/status.\n")
    }

    static func methodNotAllowed(_ exchange: Exchange) {
        exchange.respond(.methodNotAllowed, methods, text: "The status is read here: GET and HEAD only.\n")
    }
}

import FoundationEssentials
import PluginKit

/// The answers of the service itself.
enum ServiceAnswers {
    private static let plain: HeaderFields = [
        "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff",
    ]
    private static let document: HeaderFields = [
        "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    ]

    /// One JSON document with keys in lower-case words, in order, and a line break at its end.
    static func json(_ value: some Encodable, _ status: Status = .ok, _ exchange: Exchange) {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let text = try? encoder.encode(value) else { return failed(exchange) }
        exchange.respond(status, document, body: [UInt8](text) + [UInt8(ascii: "\n")])
    }

    static func notFound(_ exchange: Exchange) {
        exchange.respond(
            .notFound, plain, text: "There is nothing here. The service answers GET /v1/status and POST /v1/check.\n")
    }

    static func methodNotAllowed(_ exchange: Exchange, _ methods: String) {
        exchange.respond(
            .methodNotAllowed, plain.adding([(name: "Allow", value: methods)]),
            text: "That is not done here; possible is \(methods).\n")
    }

    static func notAllowed(_ exchange: Exchange) {
        exchange.respond(
            .forbidden, plain,
            text:
                "Show a certificate of the fleet with the role server, distributor, or administrator from operator up.\n"
        )
    }

    static func busy(_ exchange: Exchange) {
        exchange.respond(
            .serviceUnavailable, plain.adding([(name: "Retry-After", value: "1")]),
            text: "Too much is going on. Try again in a moment.\n")
    }

    static func failed(_ exchange: Exchange) {
        exchange.respond(.internalServerError, plain, text: "The answer could not be written.\n")
    }
}

import PluginKit

/// The answers that carry no file.
enum Answers {
    static let plain: HeaderFields = [
        "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff",
    ]
    private static let methods = plain.adding([(name: "Allow", value: "GET, HEAD")])
    private static let later = plain.adding([(name: "Retry-After", value: "1")])

    static func methodNotAllowed(_ exchange: Exchange) {
        exchange.respond(.methodNotAllowed, methods, text: "Files are read here: GET and HEAD only.\n")
    }

    static func malformed(_ exchange: Exchange) {
        exchange.respond(.badRequest, plain, text: "The path of the request is malformed.\n")
    }

    static func notFound(_ exchange: Exchange) {
        exchange.respond(.notFound, plain, text: "There is no such file. Folders are not listed.\n")
    }

    static func forbidden(_ exchange: Exchange) {
        exchange.respond(.forbidden, plain, text: "The server may not read this file.\n")
    }

    static func busy(_ exchange: Exchange) {
        exchange.respond(.serviceUnavailable, later, text: "Too much is going on. Try again in a moment.\n")
    }

    static func failed(_ exchange: Exchange) {
        exchange.respond(.internalServerError, plain, text: "The file could not be read.\n")
    }
}

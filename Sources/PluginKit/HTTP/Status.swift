/// An HTTP status code (RFC 9110 §15), 200 to 599 in an answer.
public struct Status: RawRepresentable, ExpressibleByIntegerLiteral, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public init(integerLiteral: UInt32) { rawValue = integerLiteral }

    public static let ok: Self = 200
    public static let created: Self = 201
    public static let accepted: Self = 202
    public static let noContent: Self = 204
    public static let partialContent: Self = 206
    public static let seeOther: Self = 303
    public static let notModified: Self = 304
    public static let badRequest: Self = 400
    public static let unauthorized: Self = 401
    public static let forbidden: Self = 403
    public static let notFound: Self = 404
    public static let methodNotAllowed: Self = 405
    public static let conflict: Self = 409
    public static let preconditionFailed: Self = 412
    public static let contentTooLarge: Self = 413
    public static let rangeNotSatisfiable: Self = 416
    public static let tooManyRequests: Self = 429
    public static let internalServerError: Self = 500
    public static let serviceUnavailable: Self = 503
}

/// A request method (RFC 9110 §9); `other` for all that are not listed.
public enum Method: Sendable, Equatable {
    case get, head, post, put, patch, delete, options, other

    init(_ text: BorrowedText) {
        switch text.bytes.count {
        case 3: self = text == "GET" ? .get : text == "PUT" ? .put : .other
        case 4: self = text == "HEAD" ? .head : text == "POST" ? .post : .other
        case 5: self = text == "PATCH" ? .patch : .other
        case 6: self = text == "DELETE" ? .delete : .other
        case 7: self = text == "OPTIONS" ? .options : .other
        default: self = .other
        }
    }
}

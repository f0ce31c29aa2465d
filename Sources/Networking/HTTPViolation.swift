/// A message that is refused: the status to answer with, and a sentence for whoever wrote the client.
struct HTTPViolation: Error, Equatable {
    var status: Int
    var reason: StaticString

    init(_ status: Int, _ reason: StaticString) {
        self.status = status
        self.reason = reason
    }

    static func == (left: Self, right: Self) -> Bool {
        left.status == right.status && left.reason.utf8Start == right.reason.utf8Start
    }
}

extension HTTPViolation {
    static let bodyTooLarge = HTTPViolation(413, "The body is larger than this listener allows.")
    static let lineTooLong = HTTPViolation(414, "The request line is longer than this listener allows.")
    static let headTooLarge = HTTPViolation(431, "The header fields are larger than this listener allows.")
    static let tooManyFields = HTTPViolation(431, "There are more header fields than this listener allows.")
    static let trailersTooLarge = HTTPViolation(431, "The trailer fields are larger than this listener allows.")
    static let chunkOverhead = HTTPViolation(400, "The chunks carry far more framing than content.")
    static let badRequestLine = HTTPViolation(
        400, "The request line is not `METHOD target HTTP/version` with single spaces.")
    static let badTarget = HTTPViolation(400, "The request target is not allowed here.")
    static let badVersion = HTTPViolation(505, "This server speaks HTTP/1.1 and HTTP/1.0.")
    static let connectUnsupported = HTTPViolation(501, "This server is not a proxy: CONNECT is not offered.")
    static let missingHost = HTTPViolation(400, "An HTTP/1.1 request needs a Host field.")
    static let repeatedHost = HTTPViolation(400, "There is more than one Host field.")
    static let badHost = HTTPViolation(400, "The Host field is not a host name or address with an optional port.")
    static let transferEncodingInOldVersion = HTTPViolation(400, "Transfer-Encoding is not allowed in HTTP/1.0.")
    static let badTransferEncoding = HTTPViolation(400, "Transfer-Encoding must be exactly `chunked`, once.")
    static let conflictingFraming = HTTPViolation(400, "Content-Length and Transfer-Encoding exclude each other.")
    static let repeatedLength = HTTPViolation(400, "Content-Length is given more than once.")
    static let badLength = HTTPViolation(400, "Content-Length is not a plain decimal number.")
    static let badChunk = HTTPViolation(400, "The chunked body is malformed.")
    static let badField = HTTPViolation(
        400, "A header field is malformed: check for blanks before the colon, folded lines and control characters.")
    static let badLineEnd = HTTPViolation(400, "Lines must end with CR LF.")
    static let badMethod = HTTPViolation(400, "The request method is not known.")
    static let malformed = HTTPViolation(400, "The request is malformed.")
    static let unknownExpectation = HTTPViolation(417, "Only `Expect: 100-continue` is understood.")
    static let slowHead = HTTPViolation(408, "The request's head took too long to arrive.")
    static let slowBody = HTTPViolation(408, "The request's body made no progress for too long.")
    static let noAnswer = HTTPViolation(503, "The component did not answer in time.")
    static let wrongClient = HTTPViolation(403, "The client's certificate is not one that this listener allows.")
    static let tooBusy = HTTPViolation(503, "Too many exchanges are under way.")
}

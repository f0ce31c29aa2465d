/// What is to be fetched, and within which limits; over https, `HTTPClientTLS` says from whom.
public struct HTTPClientRequest: Sendable {
    /// A header field. Both in the bytes that go over the wire.
    public struct Field: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// A part of an open file, which is duplicated.
        case file(descriptor: CInt, offset: UInt64, length: UInt64)
    }

    /// An open file to write to, which is duplicated.
    public struct Destination: Sendable {
        public var descriptor: CInt
        public var offset: UInt64

        public init(descriptor: CInt, offset: UInt64) {
            self.descriptor = descriptor
            self.offset = offset
        }
    }

    public var method = "GET"
    public var url: String
    public var fields: [Field] = []
    public var body = Body.none
    /// Where the body of a 200 or 206 goes; nil, and for other answers: to the handler.
    public var destination: Destination?
    public var redirectLimit = 0
    /// `http://host:port`; empty: none.
    public var proxy = ""
    /// Nanoseconds, each.
    public var connectTimeout: UInt64 = 10_000_000_000
    public var stallTimeout: UInt64 = 30_000_000_000
    /// nil: no bound.
    public var totalTimeout: UInt64?
    /// Bytes of the answer's body; nil: no bound.
    public var bodyLimit: UInt64?
    /// The first byte that is wanted.
    public var resumeOffset: UInt64 = 0
    /// For If-Range; empty: none.
    public var resumeValidator = ""
    /// Bytes a second; nil: no bound.
    public var bandwidthLimit: UInt64?

    public init(url: String) { self.url = url }
}

/// Whom a transfer calls, on the client's thread: in the order onHead, onBody for each piece, onEnd.
public protocol HTTPClientHandler: Sendable {
    func onHead(_ transfer: UInt64, _ head: HTTPClientAnswer)
    func onBody(_ transfer: UInt64, _ piece: UnsafeRawBufferPointer)
    /// Once for each transfer that was started.
    func onEnd(_ transfer: UInt64, _ result: HTTPClientResult)
}

/// An answer's head.
public struct HTTPClientAnswer: Sendable {
    let head: AnswerHead
    public let redirectCount: Int
    /// What was answered, after redirects.
    public let url: String
    /// The bytes of body to come; nil where that is not known.
    public let contentLength: UInt64?

    public var status: Int { head.status }

    /// Lends all fields, in the order sent.
    public func withFields<Result>(_ body: (UnsafeBufferPointer<HTTPField>) -> Result) -> Result {
        head.withFields(body)
    }

    /// The value of the first field of that name, in any case; nil where there is none.
    public func value(of name: String) -> String? { head.value(of: name.lowercased()) }
}

/// A request as a test writes it.
public struct FakeRequest: Sendable {
    public var method: String
    /// As sent: may hold what no valid request holds.
    public var target: [UInt8]
    public var headers: [(String, String)]
    public var hasBody: Bool
    public var peer: String
    /// Bytes of the answer that may be written before a write is busy; nil: any number.
    public var room: Int?
    /// Who the peer proved to be.
    public var identity: FakeIdentity?

    public init(
        _ target: String, method: String = "GET", headers: [(String, String)] = [], hasBody: Bool = false,
        peer: String = "127.0.0.1:40000"
    ) {
        self.init(bytes: Array(target.utf8), method: method, headers: headers, hasBody: hasBody, peer: peer)
    }

    public init(
        bytes target: [UInt8], method: String = "GET", headers: [(String, String)] = [], hasBody: Bool = false,
        peer: String = "127.0.0.1:40000"
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.hasBody = hasBody
        self.peer = peer
    }
}

/// A verified client certificate.
public struct FakeIdentity: Sendable {
    public var subject: String
    public var uris: [String]

    public init(subject: String, uris: [String]) {
        self.subject = subject
        self.uris = uris
    }
}

/// What a component has answered so far.
public struct FakeAnswer: Sendable {
    public var status: UInt32 = 0
    public var headers: [(name: String, value: String)] = []
    public var body: [UInt8] = []
    /// What begin promised; nil for other answers, UInt64.max for an unknown length.
    public var promisedLength: UInt64?
    public var isEnded = false
    public var isAborted = false

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of the header field called `name`; several are joined.
    public subscript(name: String) -> String? {
        let values = headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: " | ")
    }
}

/// An exchange as the fake host keeps it.
struct FakeExchange {
    var listener: String
    var isHEAD = false
    var answer = FakeAnswer()
    /// Bytes that may be written before a write is busy; nil: any number.
    var room: Int?
    var isBodyPaused = false
    var pauses = 0

    var isOver: Bool { answer.isEnded || answer.isAborted }
}

import Glibc

/// Each way in which a request can fail, as its client sees it.
enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// How far the exchange had come.
    enum Stage: String, Hashable, Sendable, CaseIterable {
        case request = "while sending the request"
        case beforeAnswer = "before the answer"
        case inAnswer = "in the middle of the answer"
    }

    /// Nobody listens: the one failure that no restart may cause.
    case refused
    case connectTimedOut
    case connectFailed(Int32)
    case reset(Stage)
    /// The server closed before the answer was whole.
    case closed(Stage)
    case timedOut(Stage)
    case failed(Stage, Int32)
    case wrongStatus(Int)
    case wrongBody
    case notHTTP

    var description: String {
        switch self {
        case .refused: "connection refused"
        case .connectTimedOut: "connect timed out"
        case .connectFailed(let number): "connect: \(describe(errno: number))"
        case .reset(let stage): "reset \(stage.rawValue)"
        case .closed(let stage): "closed \(stage.rawValue)"
        case .timedOut(let stage): "timed out \(stage.rawValue)"
        case .failed(let stage, let number): "\(describe(errno: number)) \(stage.rawValue)"
        case .wrongStatus(let status): "status \(status)"
        case .wrongBody: "wrong body"
        case .notHTTP: "not an HTTP answer"
        }
    }

    /// Whether the end of the server's process explains it: what it had accepted goes with it, and no more than that.
    var isCutConnection: Bool {
        switch self {
        case .reset, .closed: true
        case .failed(_, let number): number == EPIPE
        default: false
        }
    }

    /// What a failed read or write means.
    static func of(errno number: Int32, _ stage: Stage) -> Failure {
        switch number {
        case ECONNRESET: .reset(stage)
        case EAGAIN, ETIMEDOUT: .timedOut(stage)
        default: .failed(stage, number)
        }
    }
}

/// `No such file or directory (2)`.
func describe(errno number: Int32) -> String {
    var text = [CChar](repeating: 0, count: 128)
    guard strerror_r(number, &text, text.count) == 0 else { return "error \(number)" }
    return "\(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)) (\(number))"
}

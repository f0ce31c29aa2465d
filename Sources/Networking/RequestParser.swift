internal import CNIOLLHTTP

/// Cuts a connection's bytes into requests: SwiftNIO's llhttp with our limits and checks around it. Knows no socket.
///
/// It uses the C parser that NIOHTTP1 wraps rather than `HTTPRequestDecoder`, which makes two Strings for each field,
/// cannot tell 414 from 431 and hides where a message ends.
final class RequestParser {
    enum Event {
        /// All bytes are consumed; more are needed.
        case needMore
        /// `head` is complete and lawful. Without a body the message is complete too, and no `.end` follows.
        case head
        /// A piece of the body, part of what was fed.
        case body(UnsafeRawBufferPointer)
        /// The body, with its trailers, is complete.
        case end
        /// The connection cannot be used any further.
        case violation(HTTPViolation)
    }

    enum Phase {
        case betweenRequests, head, body, failed
    }

    /// Where a head under way is kept; given by the connection for as long as a head is being read.
    var head: HTTPRequestHead?
    /// The bytes of the body that are still to come, where Content-Length tells.
    private(set) var remainingBody: UInt64?

    // What follows is for this type's own files.
    let parser: UnsafeMutablePointer<llhttp_t>
    let headLimit: Int
    let fieldLimit: Int
    let bodyLimit: UInt64
    var phase = Phase.betweenRequests

    // Of the request under way.
    var consumed = 0
    var bodyReceived: UInt64 = 0
    var bodyOverhead: UInt64 = 0
    var fieldCount = 0
    var trailerBytes = 0
    var lineIsComplete = false
    var methodEnd = 0
    var targetEnd = 0
    var nameStart = -1
    var valueStart = -1
    var hosts = 0
    var transferEncodings = 0
    var transferEncodingIsChunked = false
    var expectationIsUnknown = false
    var early: HTTPViolation?

    // Of the call under way.
    var base: UnsafePointer<CChar>?
    var piece: UnsafeRawBufferPointer?
    var headIsComplete = false
    var messageIsComplete = false

    init(limits: HTTPLimits) {
        headLimit = max(limits.headBytes, 64)
        fieldLimit = limits.headerCount
        bodyLimit = limits.bodyBytes
        parser = .allocate(capacity: 1)
        parser.initialize(to: llhttp_t())
        c_nio_llhttp_init(parser, HTTP_REQUEST, LLHTTPCallbacks.shared.settings)
        // Which versions are served is decided here (505), not by the C parser.
        c_nio_llhttp_set_lenient_version(parser, 1)
    }

    deinit { parser.deallocate() }

    /// Whether bytes of a request's head, or of its body, have been consumed and the message is not complete.
    var isWithinMessage: Bool { phase == .head || phase == .body }

    /// The body of a known length is whole: `next` gives `.end`, without a further byte.
    var endIsDue: Bool { phase == .body && remainingBody == 0 }

    /// Consumes bytes up to the next event and says how many. `head` must be set. After a violation only `.needMore`
    /// with everything consumed comes back.
    func next(_ bytes: UnsafeRawBufferPointer) -> (event: Event, consumed: Int) {
        if endIsDue {
            phase = .betweenRequests
            return (.end, 0)
        }
        guard phase != .failed, let start = bytes.baseAddress, bytes.count > 0 else { return (.needMore, bytes.count) }
        if phase == .betweenRequests { begin() }
        var length = bytes.count
        if phase == .head { length = min(length, headLimit - consumed + 1) }
        let (status, used) = execute(start, length)
        let event: Event
        if phase == .head {
            event = afterHeadBytes(status, used)
        } else {
            event = afterBodyBytes(status, used)
        }
        if case .violation = event { phase = .failed }
        return (event, used)
    }

    private func begin() {
        c_nio_llhttp_reset(parser)
        parser.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        phase = .head
        consumed = 0
        bodyReceived = 0
        bodyOverhead = 0
        fieldCount = 0
        trailerBytes = 0
        lineIsComplete = false
        hosts = 0
        transferEncodings = 0
        transferEncodingIsChunked = false
        expectationIsUnknown = false
        early = nil
        headIsComplete = false
        messageIsComplete = false
        remainingBody = nil
        head?.reset()
    }

    private func execute(_ start: UnsafeRawPointer, _ length: Int) -> (llhttp_errno_t, Int) {
        base = start.assumingMemoryBound(to: CChar.self)
        piece = nil
        let status = c_nio_llhttp_execute_swift(parser, start, length)
        base = nil
        guard status != HPE_OK, let position = c_nio_llhttp_get_error_pos(parser) else { return (status, length) }
        if status == HPE_PAUSED { c_nio_llhttp_resume(parser) }
        return (status, min(max(UnsafeRawPointer(position) - start, 0), length))
    }

    private func afterHeadBytes(_ status: llhttp_errno_t, _ used: Int) -> Event {
        consumed += used
        if let early { return .violation(early) }
        if headIsComplete {
            guard consumed <= headLimit else { return .violation(.headTooLarge) }
            return completeHead()
        }
        guard status == HPE_OK else { return .violation(violation(for: status)) }
        guard consumed <= headLimit else { return .violation(lineIsComplete ? .headTooLarge : .lineTooLong) }
        return .needMore
    }

    private func completeHead() -> Event {
        guard let head else { return .violation(.malformed) }
        head.keepsAlive = c_nio_llhttp_should_keep_alive(parser) != 0
        if let violation = lawfulness(of: head) { return .violation(violation) }
        head.hasBody = !messageIsComplete
        if messageIsComplete {
            phase = .betweenRequests
        } else {
            phase = .body
            remainingBody = head.contentLength
        }
        return .head
    }

    private func afterBodyBytes(_ status: llhttp_errno_t, _ used: Int) -> Event {
        let content = UInt64(piece?.count ?? 0)
        bodyReceived += content
        bodyOverhead += UInt64(used) - min(content, UInt64(used))
        if let early { return .violation(early) }
        if let piece {
            guard bodyReceived <= bodyLimit else { return .violation(.bodyTooLarge) }
            if let remaining = remainingBody { remainingBody = remaining - min(remaining, content) }
            return .body(piece)
        }
        // Framing is bounded by a multiple of the content, so that endless chunk extensions end.
        guard bodyOverhead <= UInt64(headLimit) + 16 * bodyReceived else { return .violation(.chunkOverhead) }
        if messageIsComplete {
            phase = .betweenRequests
            return .end
        }
        guard status == HPE_OK else {
            let found = violation(for: status)
            return .violation(found == .malformed ? .badChunk : found)
        }
        return .needMore
    }

    private func violation(for status: llhttp_errno_t) -> HTTPViolation {
        switch status {
        case HPE_INVALID_METHOD: .badMethod
        case HPE_INVALID_URL: .badTarget
        case HPE_INVALID_VERSION, HPE_INVALID_CONSTANT: .badRequestLine
        case HPE_PAUSED_H2_UPGRADE: .badVersion
        case HPE_CR_EXPECTED, HPE_LF_EXPECTED: .badLineEnd
        case HPE_INVALID_HEADER_TOKEN, HPE_UNEXPECTED_SPACE: .badField
        case HPE_UNEXPECTED_CONTENT_LENGTH: .repeatedLength
        case HPE_INVALID_CONTENT_LENGTH: transferEncodings > 0 ? .conflictingFraming : .badLength
        case HPE_INVALID_TRANSFER_ENCODING:
            parser.pointee.flags & UInt16(F_CONTENT_LENGTH.rawValue) != 0 ? .conflictingFraming : .badTransferEncoding
        case HPE_INVALID_CHUNK_SIZE: .badChunk
        default: .malformed
        }
    }
}

internal import CNIOLLHTTP

/// Cuts a connection's bytes into requests: SwiftNIO's llhttp with our limits and checks around it. Knows no socket.
///
/// It uses the C parser that NIOHTTP1 wraps rather than `HTTPRequestDecoder`: the decoder makes two Strings for each
/// field, cannot tell 414 from 431 and hides where a message ends (docs/performance.md has the measurement).
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

    private enum Phase {
        case betweenRequests, head, body, failed
    }

    /// Where a head under way is kept; given by the connection for as long as a head is being read.
    var head: HTTPRequestHead?
    /// The bytes of the body that are still to come, where Content-Length tells.
    private(set) var remainingBody: UInt64?

    private let parser: UnsafeMutablePointer<llhttp_t>
    private let headLimit: Int
    private let fieldLimit: Int
    private let bodyLimit: UInt64
    private var phase = Phase.betweenRequests

    // Of the request under way.
    private var consumed = 0
    private var bodyReceived: UInt64 = 0
    private var bodyOverhead: UInt64 = 0
    private var fieldCount = 0
    private var trailerBytes = 0
    var lineIsComplete = false
    private var methodEnd = 0
    private var targetEnd = 0
    private var nameStart = -1
    private var valueStart = -1
    private var hosts = 0
    private var transferEncodings = 0
    private var transferEncodingIsChunked = false
    private var expectationIsUnknown = false
    private var early: HTTPViolation?

    // Of the call under way.
    private var base: UnsafePointer<CChar>?
    private var piece: UnsafeRawBufferPointer?
    private var headIsComplete = false
    private var messageIsComplete = false

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

// MARK: - What the C parser reports

extension RequestParser {
    fileprivate static func of(_ parser: UnsafeMutablePointer<llhttp_t>?) -> RequestParser? {
        guard let data = parser?.pointee.data else { return nil }
        return Unmanaged<RequestParser>.fromOpaque(data).takeUnretainedValue()
    }

    /// Where `at` lies in the request's head, counted from its first byte.
    private func position(_ at: UnsafePointer<CChar>) -> Int { consumed + (base.map { at - $0 } ?? 0) }

    private func keep(_ at: UnsafePointer<CChar>, _ length: Int) {
        at.withMemoryRebound(to: UInt8.self, capacity: length) { head?.append($0, count: length) }
    }

    fileprivate func sawMethod(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        guard let head else { return -1 }
        if head.count == 0 { head.methodRange.start = 0 }
        keep(at, length)
        head.methodRange.count = head.count
        methodEnd = position(at) + length
        targetEnd = 0
        return 0
    }

    fileprivate func sawTarget(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        guard let head else { return -1 }
        if targetEnd == 0 {
            // Exactly one blank: what another reader takes for part of the target must not pass here.
            guard position(at) == methodEnd + 1 else { return refuse(.badRequestLine) }
            head.targetRange.start = head.count
        }
        keep(at, length)
        head.targetRange.count = head.count - head.targetRange.start
        targetEnd = position(at) + length
        return 0
    }

    fileprivate func sawProtocol(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        // The C parser knows RTSP and ICE as well; all three names have different lengths or methods, so the first byte
        // and the position tell.
        if at.pointee == CChar(bitPattern: UInt8(ascii: "H")) {
            guard position(at) == targetEnd + 1 else { return refuse(.badRequestLine) }
        } else if position(at) == targetEnd + 1 {
            return refuse(.badRequestLine)
        }
        return 0
    }

    fileprivate func sawLineEnd() -> CInt {
        lineIsComplete = true
        return 0
    }

    fileprivate func sawName(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        lineIsComplete = true
        guard phase == .head, let head else { return sawTrailer(length) }
        if nameStart < 0 { nameStart = head.count }
        keep(at, length)
        return 0
    }

    fileprivate func sawNameEnd() -> CInt {
        guard phase == .head, let head else { return countField() }
        valueStart = head.count
        return countField()
    }

    fileprivate func sawValue(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        guard phase == .head else { return sawTrailer(length) }
        keep(at, length)
        return 0
    }

    fileprivate func sawValueEnd() -> CInt {
        guard phase == .head, let head, nameStart >= 0, valueStart >= nameStart else { return 0 }
        var end = head.count
        while end > valueStart, head.bytes[end - 1] == 0x20 || head.bytes[end - 1] == 0x09 { end -= 1 }
        let field = HTTPRequestHead.FieldRange(
            name: .init(start: nameStart, count: valueStart - nameStart),
            value: .init(start: valueStart, count: end - valueStart))
        head.fieldRanges.append(field)
        nameStart = -1
        valueStart = -1
        note(field, in: head)
        return 0
    }

    private func countField() -> CInt {
        fieldCount += 1
        return fieldCount > fieldLimit ? refuse(.tooManyFields) : 0
    }

    private func sawTrailer(_ length: Int) -> CInt {
        trailerBytes += length
        return trailerBytes > headLimit ? refuse(.trailersTooLarge) : 0
    }

    private func refuse(_ violation: HTTPViolation) -> CInt {
        if early == nil { early = violation }
        return -1
    }

    /// Fields that decide about the message itself.
    private func note(_ field: HTTPRequestHead.FieldRange, in head: HTTPRequestHead) {
        let name = head.slice(field.name)
        switch name.count {
        case 4 where equalsIgnoringCase(name, "host"):
            hosts += 1
            head.authorityRange = field.value
        case 6 where equalsIgnoringCase(name, "expect"):
            if equalsIgnoringCase(head.slice(field.value), "100-continue") {
                head.expectsContinue = true
            } else {
                expectationIsUnknown = true
            }
        case 17 where equalsIgnoringCase(name, "transfer-encoding"):
            transferEncodings += 1
            transferEncodingIsChunked = equalsIgnoringCase(head.slice(field.value), "chunked")
        default: break
        }
    }

    fileprivate func sawHeadEnd() -> CInt {
        headIsComplete = true
        // Upgrades are not offered, so the message goes on as if there were no such field (RFC 9110 section 7.8).
        parser.pointee.upgrade = 0
        let flags = parser.pointee.flags
        if flags & UInt16(F_CONTENT_LENGTH.rawValue) != 0 { head?.contentLength = parser.pointee.content_length }
        let hasBody =
            flags & UInt16(F_CHUNKED.rawValue | F_TRANSFER_ENCODING.rawValue) != 0 || parser.pointee.content_length > 0
        return hasBody ? CInt(HPE_PAUSED.rawValue) : 0
    }

    fileprivate func sawBody(_ at: UnsafePointer<CChar>, _ length: Int) -> CInt {
        piece = UnsafeRawBufferPointer(start: at, count: length)
        return CInt(HPE_PAUSED.rawValue)
    }

    fileprivate func sawMessageEnd() -> CInt {
        messageIsComplete = true
        return CInt(HPE_PAUSED.rawValue)
    }

    /// The checks the C parser does not make.
    private func lawfulness(of head: HTTPRequestHead) -> HTTPViolation? {
        guard parser.pointee.http_major == 1 else { return .badVersion }
        head.version = parser.pointee.http_minor == 0 ? 10 : 11
        if transferEncodings > 0 {
            if head.version == 10 { return .transferEncodingInOldVersion }
            if transferEncodings > 1 || !transferEncodingIsChunked { return .badTransferEncoding }
            if head.contentLength != nil { return .conflictingFraming }
        }
        if hosts > 1 { return .repeatedHost }
        if hosts == 0, head.version > 10 { return .missingHost }
        if hosts == 1, !RequestRules.isHost(head.slice(head.authorityRange)) { return .badHost }
        let method = llhttp_method(rawValue: numericCast(parser.pointee.method))
        if method == HTTP_CONNECT { return .connectUnsupported }
        head.isHead = method == HTTP_HEAD
        if let violation = RequestRules.normaliseTarget(of: head, allowsAsterisk: method == HTTP_OPTIONS) {
            return violation
        }
        if head.version == 10 {
            head.expectsContinue = false
        } else if expectationIsUnknown {
            return .unknownExpectation
        }
        if let length = head.contentLength, length > bodyLimit { return .bodyTooLarge }
        return nil
    }
}

/// The table of functions the C parser calls; one for the process.
private struct LLHTTPCallbacks: @unchecked Sendable {
    // Sendable: the table is written once, in `init`, and only read afterwards.
    let settings: UnsafeMutablePointer<llhttp_settings_t>

    static let shared = LLHTTPCallbacks()

    private init() {
        settings = .allocate(capacity: 1)
        settings.initialize(to: llhttp_settings_t())
        c_nio_llhttp_settings_init(settings)
        settings.pointee.on_method = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawMethod(at, length) } ?? -1
        }
        settings.pointee.on_url = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawTarget(at, length) } ?? -1
        }
        settings.pointee.on_protocol = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawProtocol(at, length) } ?? -1
        }
        settings.pointee.on_version_complete = { RequestParser.of($0)?.sawLineEnd() ?? -1 }
        settings.pointee.on_header_field = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawName(at, length) } ?? -1
        }
        settings.pointee.on_header_field_complete = { RequestParser.of($0)?.sawNameEnd() ?? -1 }
        settings.pointee.on_header_value = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawValue(at, length) } ?? -1
        }
        settings.pointee.on_header_value_complete = { RequestParser.of($0)?.sawValueEnd() ?? -1 }
        settings.pointee.on_headers_complete = { RequestParser.of($0)?.sawHeadEnd() ?? -1 }
        settings.pointee.on_body = { parser, at, length in
            at.flatMap { at in RequestParser.of(parser)?.sawBody(at, length) } ?? -1
        }
        settings.pointee.on_message_complete = { RequestParser.of($0)?.sawMessageEnd() ?? -1 }
    }
}

internal import CCurl
internal import Glibc
import Synchronization

/// One transfer, from start to onEnd: what libcurl calls for it, and what that comes to.
final class HTTPTransfer: @unchecked Sendable {
    // Sendable: other threads touch the two atomics and what is `let`; all else is the client's thread's alone.

    /// Bytes of a redirect's own body that are read away for the sake of keeping its connection.
    private static let redirectBodyLimit = 64 << 10

    /// What libcurl's end of a transfer means.
    enum Outcome {
        /// There is another request to make: after a redirect, or on a new connection.
        case again(isFresh: Bool)
        /// nil: the answer is whole.
        case over(TransferFailure?)
    }

    let id: UInt64
    let request: CheckedRequest
    let handler: any HTTPClientHandler
    let isCancelled = Atomic(false)
    let isPaused = Atomic(false)

    /// CLOCK_MONOTONIC, nanoseconds.
    var startedAt: UInt64 = 0
    var leg: RedirectRule.Leg
    private(set) var curl: CurlHandle?
    private(set) var redirectCount = 0

    // Of the present leg.
    private var reader = AnswerHeadReader()
    private var nextLeg: RedirectRule.Leg?
    /// Why this side has broken it off.
    private var verdict: TransferFailure?
    /// The connection was set up for somebody else: a new one is needed.
    private var needsFreshConnection = false
    private var isFresh = false
    /// The check of the connection that was made last.
    private var check: PeerCheck?
    /// Whether the request may have been sent.
    private(set) var isSent = false
    private var lastProgress: UInt64 = 0
    private var isHeldBack = false
    private var legBegan: UInt64 = 0
    private var legBytes: UInt64 = 0
    private var bodyPosition: UInt64 = 0
    private var redirectBody = 0

    // Of the answer that is handed on.
    private var head: AnswerHead?
    private var writesToFile = false
    private var received: UInt64 = 0

    init(id: UInt64, _ request: CheckedRequest, _ handler: any HTTPClientHandler) {
        self.id = id
        self.request = request
        self.handler = handler
        leg = request.first
    }

    var handle: UnsafeMutableRawPointer? { curl?.raw }

    /// Gets a handle ready for the present leg; nil where there is no memory.
    func begin(_ client: HTTPClient, isFresh: Bool, at now: UInt64) -> UnsafeMutableRawPointer? {
        guard let curl = curl ?? CurlHandle() else { return nil }
        self.curl = curl
        reader = AnswerHeadReader()
        nextLeg = nil
        verdict = nil
        needsFreshConnection = false
        self.isFresh = isFresh
        check = nil
        isSent = false
        lastProgress = now
        legBegan = now
        legBytes = 0
        isHeldBack = false
        bodyPosition = 0
        redirectBody = 0
        return curl.prepare(self, client, isFresh: isFresh) ? curl.raw : nil
    }

    /// The plugin's last call.
    func end(_ failure: TransferFailure?) {
        curl = nil
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        handler.onEnd(id, HTTPClientResult(failure, head, receivedBytes: received, now: Int64(time.tv_sec)))
    }

    /// When to look at it again at the latest, and how it ends then if nothing has happened; nil: it does not.
    func deadline(at now: UInt64) -> (UInt64, TransferFailure?) {
        // While it connects, libcurl counts; once the request is sent, the limit begins after this look.
        let stalls = isHeldBack ? .max : (isSent ? lastMove : now).adding(request.stallTimeout)
        let total = request.totalTimeout.map { startedAt.adding($0) } ?? .max
        if total <= stalls {
            return (
                total,
                TransferFailure(
                    .totalTimeout,
                    "The answer of \(leg.url.authority) was not whole within \((request.totalTimeout ?? 0).inSeconds).")
            )
        }
        guard isSent, !isHeldBack else { return (stalls, nil) }
        return (
            stalls,
            TransferFailure(
                .stalled, "Nothing came from or went to \(leg.url.authority) for \(request.stallTimeout.inSeconds).")
        )
    }

    /// Lets a body go on that was held back; a failure ends the transfer.
    func resume(at now: UInt64) -> TransferFailure? {
        guard isHeldBack, !isPaused.load(ordering: .relaxed), let curl else { return nil }
        isHeldBack = false
        lastProgress = now
        // May call back with what was held. What goes wrong then is told here and nowhere else.
        let code = ccurl_pause(curl.raw, CInt(CURLPAUSE_CONT))
        if code == CURLE_OK || nextLeg != nil { return nil }
        return verdict ?? curl.failure(code, of: self, check: nil)
    }

    /// When something moved last, or may move again: a transfer that was faster than its ceiling is made to wait.
    private var lastMove: UInt64 {
        guard let limit = request.bandwidthLimit else { return lastProgress }
        let seconds = Double(max(legBytes, bodyPosition)) / Double(limit)
        return max(lastProgress, legBegan.adding(UInt64(min(seconds, 1e9) * 1e9)))
    }

    private func noteProgress() { lastProgress = HTTPClient.now() }

    private func fail(_ code: HTTPClientCode, _ reason: String, systemError: CInt = 0) {
        verdict = verdict ?? TransferFailure(code, reason, systemError: systemError)
    }

    /// Whether to go on; the plugin may have cancelled from within a callback.
    private var goesOn: Bool {
        if isCancelled.load(ordering: .relaxed) { fail(.cancelled, "The transfer was cancelled.") }
        return verdict == nil
    }

    func outcome(_ code: CURLcode) -> Outcome {
        if isCancelled.load(ordering: .relaxed) {
            return .over(TransferFailure(.cancelled, "The transfer was cancelled."))
        }
        // Its own body does not matter, whole or not.
        if let nextLeg, verdict == nil {
            leg = nextLeg
            redirectCount += 1
            return .again(isFresh: false)
        }
        if needsFreshConnection, !isFresh { return .again(isFresh: true) }
        if let verdict { return .over(verdict) }
        guard code != CURLE_OK else {
            return .over(
                head == nil
                    ? TransferFailure(.protocolBroken, "The server at \(leg.url.authority) sent no answer.") : nil)
        }
        let failure = curl?.failure(code, of: self, check: check)
        return .over(failure ?? TransferFailure(.failed, "The transfer failed."))
    }

    // MARK: What libcurl calls

    /// A new connection speaks TLS.
    func setUpTLS(_ context: OpaquePointer) -> CURLcode {
        guard let trust = leg.trust else { return CURLE_ABORTED_BY_CALLBACK }
        let check = PeerCheck(trust)
        self.check = check
        do {
            try trust.configure(context, check)
            return CURLE_OK
        } catch {
            fail(.tlsFailed, "TLS could not be set up for \(leg.url.authority): \(error.sentence).")
            return CURLE_ABORTED_BY_CALLBACK
        }
    }

    /// The connection stands, new or kept: nothing is sent before this says so.
    func mayUseConnection(_ connection: OpaquePointer?) -> Bool {
        guard goesOn else { return false }
        if let trust = leg.trust {
            guard let connection, let check = PeerCheck.of(connection) else {
                fail(.tlsFailed, "The connection to \(leg.url.authority) is not one whose peer was checked.")
                return false
            }
            guard check.isFor(trust, connection) else {
                // Set up for another identity, authority or peer. On a new connection that cannot be.
                needsFreshConnection = true
                if isFresh { fail(.tlsFailed, "No connection of its own could be made to \(leg.url.authority).") }
                return false
            }
            guard check.acceptsPeer(of: connection) else {
                self.check = check
                fail(.wrongPeer, Self.sentence(leg.url, check.finding ?? "its peer is not known"))
                return false
            }
        }
        // A second time within a leg: the kept connection broke, and libcurl would send again.
        if isSent, !Self.mayRepeat(leg.method) {
            fail(
                .connectionLost,
                "The connection to \(leg.url.authority) broke when the request was sent. The server may have acted on it, so "
                    + "the host does not send a \(leg.method) a second time.")
            return false
        }
        isSent = true
        noteProgress()
        return true
    }

    static func sentence(_ url: HTTPURL, _ finding: String) -> String {
        "Nothing was sent to \(url.authority): \(finding)."
    }

    /// Whether a method done twice is as good as once (RFC 9110 section 9.2.2).
    private static func mayRepeat(_ method: String) -> Bool {
        ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"].contains(method)
    }

    func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        noteProgress()
        guard goesOn else { return false }
        switch reader.take(line) {
        case .more: return true
        case .refused(let why):
            fail(.protocolBroken, "The answer of \(leg.url.authority) is not acceptable: \(why).")
            return false
        case .head(let head):
            take(head)
            return goesOn
        }
    }

    private func take(_ head: AnswerHead) {
        do throws(TransferFailure) {
            nextLeg = try request.redirects.next(after: leg, head, taken: redirectCount)
            if nextLeg != nil { return }
            // Before anything of it is refused: the result tells the status even so, and a 404 with a large page is a 404.
            self.head = head
            try checkResumption(head)
            let length = bodyLength(head)
            if let limit = request.bodyLimit, let length, length > limit {
                throw TransferFailure(
                    .tooLarge, "The answer of \(leg.url.authority) has \(length) bytes, and \(limit) are allowed.")
            }
            writesToFile = request.destination != nil && (head.status == 200 || head.status == 206)
            handler.onHead(
                id,
                HTTPClientAnswer(head: head, redirectCount: redirectCount, url: leg.url.text, contentLength: length))
        } catch {
            verdict = verdict ?? error
        }
    }

    /// The bytes of body to come; nil where that is not known.
    private func bodyLength(_ head: AnswerHead) -> UInt64? {
        leg.method == "HEAD" || head.status == 204 || head.status == 304 ? 0 : head.contentLength
    }

    /// Whether the answer to a request for the rest of a content is the rest.
    private func checkResumption(_ head: AnswerHead) throws(TransferFailure) {
        guard request.resumeOffset > 0 else { return }
        if head.status == 200 {
            throw TransferFailure(
                .notResumed,
                "\(leg.url.authority) answered with the whole, not with the rest from byte \(request.resumeOffset): it has "
                    + "changed, or the server does not serve parts; start over.")
        }
        guard head.status == 206 else { return }
        let text = head.value(of: "content-range") ?? ""
        guard let range = ContentRange(text), range.first == request.resumeOffset else {
            throw TransferFailure(
                .protocolBroken,
                "\(leg.url.authority) was asked for the rest from byte \(request.resumeOffset) and answered with another "
                    + "part: Content-Range: \(text.prefix(100)).")
        }
    }

    /// How many bytes were taken; CURL_WRITEFUNC_PAUSE: none for now.
    func takeBody(_ piece: UnsafeRawBufferPointer) -> Int {
        noteProgress()
        legBytes += UInt64(piece.count)
        if nextLeg != nil {
            redirectBody += piece.count
            return redirectBody <= Self.redirectBodyLimit ? piece.count : 0
        }
        guard goesOn else { return 0 }
        if isPaused.load(ordering: .relaxed) {
            isHeldBack = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        if let limit = request.bodyLimit, UInt64(piece.count) > limit - received {
            fail(.tooLarge, "The answer of \(leg.url.authority) has more than the \(limit) bytes that are allowed.")
            return 0
        }
        if writesToFile {
            guard write(piece) else { return 0 }
            received += UInt64(piece.count)
        } else {
            received += UInt64(piece.count)
            handler.onBody(id, piece)
        }
        return goesOn ? piece.count : 0
    }

    private func write(_ piece: UnsafeRawBufferPointer) -> Bool {
        guard let destination = request.destination else { return false }
        var written = 0
        while written < piece.count {
            let place = destination.offset + received + UInt64(written)
            let count = pwrite(
                destination.file.rawValue, piece.baseAddress.map { $0 + written }, piece.count - written,
                off_t(clamping: place))
            if count > 0 {
                written += count
            } else if count == 0 || errno != EINTR {
                let error = count == 0 ? EIO : errno
                fail(
                    .fileFailed,
                    "The answer of \(leg.url.authority) could not be written at byte \(place) of its file: "
                        + "\(String(cString: strerror(error))).", systemError: error)
                return false
            }
        }
        return true
    }

    /// Fills `buffer` with the next bytes of the request's body; nil breaks off.
    func readBody(_ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        noteProgress()
        guard goesOn else { return nil }
        let left = request.body.length - min(bodyPosition, request.body.length)
        let wanted = Int(min(UInt64(buffer.count), left))
        switch request.body {
        case .none: return 0
        case .bytes(let bytes):
            let start = Int(bodyPosition)
            bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<(start + wanted)]))
            }
            bodyPosition += UInt64(wanted)
            return wanted
        case .file(let file, let offset, _):
            guard wanted > 0 else { return 0 }
            while true {
                let count = pread(file.rawValue, buffer.baseAddress, wanted, off_t(offset + bodyPosition))
                if count > 0 {
                    bodyPosition += UInt64(count)
                    return count
                }
                if count < 0, errno == EINTR { continue }
                let error = count < 0 ? errno : 0
                fail(
                    .fileFailed,
                    "The request's body could not be read at byte \(offset + bodyPosition) of its file: "
                        + (error == 0 ? "the file ends there." : "\(String(cString: strerror(error)))."),
                    systemError: error)
                return nil
            }
        }
    }

    /// libcurl begins the body again.
    func seek(to position: Int64) -> Bool {
        guard position >= 0, UInt64(position) <= request.body.length else { return false }
        bodyPosition = UInt64(position)
        return true
    }
}

extension UInt64 {
    /// A sum that stops at the end of time instead of wrapping.
    func adding(_ more: UInt64) -> UInt64 {
        let (sum, isOver) = addingReportingOverflow(more)
        return isOver ? .max : sum
    }

    /// A duration in nanoseconds, for a person: `2.5 s`.
    var inSeconds: String {
        let milliseconds = (self + 500_000) / 1_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(Double(milliseconds) / 1000) s"
    }
}

internal import Glibc

/// A request of which every part has been looked at, with what it holds on to. Nothing of it changes any more.
final class CheckedRequest: Sendable {
    private enum Limit {
        static let method = 32
        static let fields = 100
        static let fieldBytes = 64 << 10
        static let body = 16 << 20
        static let redirects = 20
        static let connectTimeout: UInt64 = 300_000_000_000
        /// A hundred years, for ever, and yet small enough to be added to a clock.
        static let duration: UInt64 = 100 * 365 * 86_400 * 1_000_000_000
        static let bandwidth: UInt64 = 1024
    }

    enum Body: Sendable {
        case none
        case bytes([UInt8])
        case file(HeldDescriptor, offset: UInt64, length: UInt64)

        var length: UInt64 {
            switch self {
            case .none: 0
            case .bytes(let bytes): UInt64(bytes.count)
            case .file(_, _, let length): length
            }
        }
    }

    let first: RedirectRule.Leg
    let body: Body
    let destination: (file: HeldDescriptor, offset: UInt64)?
    let redirects: RedirectRule
    let proxy: String
    /// Nanoseconds, each.
    let connectTimeout: UInt64
    let stallTimeout: UInt64
    let totalTimeout: UInt64?
    let bodyLimit: UInt64?
    let resumeOffset: UInt64
    let bandwidthLimit: UInt64?

    init(_ request: HTTPClientRequest, trust: ClientTrust?) throws(HTTPClientRefusal) {
        let url = try HTTPURL(request.url)
        guard url.isSecure == (trust != nil) else {
            throw HTTPClientRefusal(
                url.isSecure
                    ? "A request over https needs an expected peer: whom the server's certificate must name."
                    : "Over http nobody proves who they are: an expected peer, a certificate or an authority cannot be "
                        + "given with it.")
        }
        try Self.checkMethod(request.method)
        var fields = try Self.checked(request.fields)
        fields += try Self.resumption(request)
        body = try Self.checked(request.body, method: request.method)
        first = RedirectRule.Leg(
            url: url, method: request.method, fields: fields, trust: trust, hasBody: body.length > 0)
        destination = try request.destination.map { to throws(HTTPClientRefusal) in
            guard to.offset <= UInt64(Int64.max) else {
                throw HTTPClientRefusal("The destination's offset is too large.")
            }
            return (try HeldDescriptor(copying: to.descriptor, writing: true), to.offset)
        }
        redirects = RedirectRule(
            limit: min(max(request.redirectLimit, 0), Limit.redirects),
            isHostItsOwnPeer: trust != nil && trust?.expectation == (try? PeerExpectation(url.host)))
        if !request.proxy.isEmpty { try HTTPURL.checkProxy(request.proxy) }
        proxy = request.proxy
        connectTimeout = min(request.connectTimeout, Limit.connectTimeout)
        stallTimeout = min(request.stallTimeout, Limit.duration)
        totalTimeout = request.totalTimeout.map { min($0, Limit.duration) }
        bodyLimit = request.bodyLimit
        resumeOffset = request.resumeOffset
        bandwidthLimit = request.bandwidthLimit.map { min(max($0, Limit.bandwidth), UInt64(Int64.max)) }
    }

    private static func checkMethod(_ method: String) throws(HTTPClientRefusal) {
        guard (1...Limit.method).contains(method.utf8.count), method.utf8.allSatisfy(ASCII.isToken),
            method != "CONNECT", method != "TRACE"
        else { throw HTTPClientRefusal("The method is none that can be sent.") }
    }

    // MARK: Fields

    /// What frames the message or steers the connection is the host's.
    private static let own: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer",
        "upgrade", "expect", "proxy-authorization", "http2-settings",
    ]

    private static func checked(
        _ fields: [HTTPClientRequest.Field]
    ) throws(HTTPClientRefusal) -> [HTTPClientRequest.Field] {
        guard fields.count <= Limit.fields,
            fields.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count }) <= Limit.fieldBytes
        else {
            throw HTTPClientRefusal(
                "The request has more than \(Limit.fields) header fields or \(Limit.fieldBytes) bytes of them.")
        }
        for field in fields {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(ASCII.isToken) else {
                throw HTTPClientRefusal("The name of a header field has a character that RFC 9110 does not allow.")
            }
            guard !own.contains(field.name.lowercased()) else {
                throw HTTPClientRefusal("The header field \(field.name) is the host's to write.")
            }
            guard field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw HTTPClientRefusal("The value of \(field.name) has a character that RFC 9110 does not allow.")
            }
        }
        return fields
    }

    /// The fields that ask for the rest of a content (RFC 9110 sections 13.1.5 and 14.2).
    private static func resumption(
        _ request: HTTPClientRequest
    ) throws(HTTPClientRefusal) -> [HTTPClientRequest.Field] {
        guard request.resumeOffset > 0 else {
            guard request.resumeValidator.isEmpty else {
                throw HTTPClientRefusal("A validator is given, but no offset to resume from.")
            }
            return []
        }
        guard request.method == "GET" else { throw HTTPClientRefusal("Only a GET can be resumed.") }
        guard !request.fields.contains(where: { ["range", "if-range"].contains($0.name.lowercased()) }) else {
            throw HTTPClientRefusal("A resumed request has a Range or If-Range of its own.")
        }
        let validator = request.resumeValidator
        guard !validator.hasPrefix("W/") else {
            throw HTTPClientRefusal("A weak ETag says nothing of the bytes, so nothing can be resumed by it.")
        }
        guard validator.utf8.count <= 1024, validator.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw HTTPClientRefusal("The validator is neither an ETag nor a date.")
        }
        let range = HTTPClientRequest.Field("Range", "bytes=\(request.resumeOffset)-")
        return validator.isEmpty ? [range] : [range, HTTPClientRequest.Field("If-Range", validator)]
    }

    // MARK: Body

    private static func checked(
        _ body: HTTPClientRequest.Body, method: String
    ) throws(HTTPClientRefusal) -> Body {
        let checked: Body
        switch body {
        case .none: return .none
        case .bytes(let bytes):
            guard bytes.count <= Limit.body else {
                throw HTTPClientRefusal(
                    "The body is larger than \(Limit.body) bytes: put it into a file and give its descriptor.")
            }
            checked = .bytes(bytes)
        case .file(let descriptor, let offset, let length):
            guard offset <= UInt64(Int64.max), length <= UInt64(Int64.max) - offset else {
                throw HTTPClientRefusal("The body's offset or length in its file is too large.")
            }
            checked = .file(
                try HeldDescriptor(copying: descriptor, writing: false), offset: offset, length: length)
        }
        guard checked.length == 0 || method != "GET" && method != "HEAD" else {
            throw HTTPClientRefusal("A \(method) has no body.")
        }
        return checked
    }
}

/// A duplicate of a plugin's descriptor, closed with this object.
final class HeldDescriptor: Sendable {
    let rawValue: CInt

    init(copying descriptor: CInt, writing: Bool) throws(HTTPClientRefusal) {
        let mode = descriptor < 0 ? -1 : fcntl(descriptor, F_GETFL)
        guard mode >= 0 else { throw HTTPClientRefusal("The descriptor \(descriptor) is not open.") }
        guard mode & O_ACCMODE != (writing ? O_RDONLY : O_WRONLY) else {
            throw HTTPClientRefusal(
                "The descriptor \(descriptor) is not open for \(writing ? "writing" : "reading").")
        }
        guard !writing || mode & O_APPEND == 0 else {
            throw HTTPClientRefusal("The descriptor \(descriptor) is open for appending, so no offset can be kept.")
        }
        rawValue = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard rawValue >= 0 else { throw HTTPClientRefusal("No descriptor is left for the transfer.") }
    }

    deinit { close(rawValue) }
}

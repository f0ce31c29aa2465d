import MusterABI

/// A request's head, read in place: it cannot be copied or kept, and no text is made until it is asked for.
/// `RequestHead(request)` makes a copy that can be kept.
public struct Request: ~Copyable {
    private let head: UnsafePointer<muster_http_request>

    /// nil where the host handed over something that is not a request of this ABI.
    init?(_ head: UnsafePointer<muster_http_request>?) {
        guard let head, isUsable(head, size: MUSTER_HTTP_REQUEST_SIZE_1_0) else { return nil }
        self.head = head
    }

    /// A HEAD request is answered like GET: the host keeps the body back.
    public var method: Method { Method(methodName) }

    /// The method as sent.
    public var methodName: BorrowedText {
        @_lifetime(borrow self)
        get { borrow(head.pointee.method) }
    }

    /// The target in origin form, `/path?query`, or `*`.
    public var target: BorrowedText {
        @_lifetime(borrow self)
        get { borrow(head.pointee.target) }
    }

    /// The target up to its query: still percent-encoded.
    public var path: BorrowedText {
        @_lifetime(borrow self)
        get {
            var path = head.pointee.target
            if let mark = path.bytes.position(of: UInt8(ascii: "?")) { path.length = mark }
            return borrow(path)
        }
    }

    /// The Host header's value, or the absolute target's host; empty for an HTTP/1.0 request without one.
    public var authority: BorrowedText {
        @_lifetime(borrow self)
        get { borrow(head.pointee.authority) }
    }

    /// 10 or 11: HTTP/1.0 or HTTP/1.1.
    public var version: UInt32 { head.pointee.version }

    /// Whether a body follows.
    public var hasBody: Bool { head.pointee.has_body != 0 }

    /// The peer's address and port: `192.0.2.7:40112`.
    public var peer: BorrowedText {
        @_lifetime(borrow self)
        get { borrow(head.pointee.peer) }
    }

    /// How many header fields there are.
    public var headerCount: Int { head.pointee.headers == nil ? 0 : head.pointee.header_count }

    /// The name of the header field at `index`, as sent; empty beyond the last.
    @_lifetime(borrow self)
    public func headerName(at index: Int) -> BorrowedText { borrow(header(at: index).name) }

    /// The value of the header field at `index`, without outer blanks; empty beyond the last.
    @_lifetime(borrow self)
    public func headerValue(at index: Int) -> BorrowedText { borrow(header(at: index).value) }

    /// The value of the first field called `name`, in any case; nil where there is none.
    public func header(_ name: StaticString) -> String? {
        for index in 0..<headerCount where headerName(at: index).equalsIgnoringCase(name) {
            return String(headerValue(at: index))
        }
        return nil
    }

    /// The values of all fields called `name`, joined by `, ` (RFC 9110 §5.3); nil where there is none.
    public func joinedHeader(_ name: StaticString) -> String? {
        var joined: String?
        for index in 0..<headerCount where headerName(at: index).equalsIgnoringCase(name) {
            let value = String(headerValue(at: index))
            joined = joined.map { "\($0), \(value)" } ?? value
        }
        return joined
    }

    /// Who the peer proved to be; nil without a verified client certificate.
    public var identity: TLSIdentity? { TLSIdentity(head.pointee.identity) }

    private func header(at index: Int) -> muster_header {
        guard index >= 0, index < headerCount, let headers = head.pointee.headers else { return muster_header() }
        return headers[index]
    }

    /// `text` for as long as this request is borrowed.
    @_lifetime(borrow self)
    private func borrow(_ text: muster_string) -> BorrowedText {
        // The host keeps the bytes until on_request returns, and a Request is only ever lent within that call.
        let buffer = text.bytes.assumingMemoryBound(to: UInt8.self)
        return bound(BorrowedText(Span(_unsafeElements: buffer)), to: self)
    }
}

/// Says that `text` lasts as long as `source` is borrowed.
@_unsafeNonescapableResult
@_lifetime(borrow source)
private func bound<Source: ~Copyable>(_ text: consuming BorrowedText, to source: borrowing Source) -> BorrowedText {
    text
}

/// Who a peer proved to be with a client certificate, verified against the fleet authority.
public struct TLSIdentity: Sendable, Equatable {
    /// The certificate's subject, RFC 2253: `CN=ws-17,O=Example`.
    public var subject: String
    /// The SAN URIs, which carry the roles: `muster:client`.
    public var uris: [String]

    init?(_ identity: UnsafePointer<muster_tls_identity>?) {
        guard let identity, isUsable(identity, size: MUSTER_TLS_IDENTITY_SIZE_1_0) else { return nil }
        subject = identity.pointee.subject.repairedText
        let uris = UnsafeBufferPointer(
            start: identity.pointee.uris, count: identity.pointee.uris == nil ? 0 : identity.pointee.uri_count)
        self.uris = uris.map(\.repairedText)
    }
}

/// A copy of a request's head.
public struct RequestHead: Sendable {
    public var method: String
    /// The target in origin form, `/path?query`, or `*`.
    public var target: String
    public var authority: String
    /// 10 or 11: HTTP/1.0 or HTTP/1.1.
    public var version: UInt32
    /// In the order sent; names as sent.
    public var headers: [(name: String, value: String)]
    /// The peer's address and port.
    public var peer: String
    public var identity: TLSIdentity?

    public init(_ request: borrowing Request) {
        method = String(request.methodName)
        target = String(request.target)
        authority = String(request.authority)
        version = request.version
        headers = []
        headers.reserveCapacity(request.headerCount)
        for index in 0..<request.headerCount {
            headers.append((String(request.headerName(at: index)), String(request.headerValue(at: index))))
        }
        peer = String(request.peer)
        identity = request.identity
    }

    /// The target up to its query: still percent-encoded.
    public var path: Substring { target.prefix { $0 != "?" } }

    /// The value of the first field called `name`, in any case; nil where there is none.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.name.lowercased() == name }?.value
    }
}

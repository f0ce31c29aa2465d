internal import CCurl

/// An absolute http or https URL, in the normal form that libcurl gives it, without a fragment.
struct HTTPURL: Sendable, Equatable {
    private static let lengthLimit = 8192

    let text: String
    let isSecure: Bool
    /// In lower case; an IPv6 address without its brackets.
    let host: String
    let port: String

    /// Whether both name the same scheme, host and port (RFC 6454 section 4).
    func hasOrigin(of other: HTTPURL) -> Bool {
        isSecure == other.isSecure && host == other.host && port == other.port
    }

    /// Where it connects to: `updates.example.com:443`, `[::1]:8443`.
    var authority: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// - Parameter base: what a relative text is resolved against; nil: the text must be absolute.
    init(_ text: String, relativeTo base: HTTPURL? = nil) throws(HTTPClientRefusal) {
        guard (1...Self.lengthLimit).contains(text.utf8.count) else {
            throw HTTPClientRefusal("The URL is empty or longer than \(Self.lengthLimit) bytes.")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw HTTPClientRefusal(
                "The URL has a blank, a control character or one that is not ASCII: percent-encode it, and write a host "
                    + "name in its ASCII form.")
        }
        guard let url = ccurl_url_make() else { throw HTTPClientRefusal("There is no memory for a URL.") }
        defer { ccurl_url_free(url) }
        if let base { _ = ccurl_url_set(url, CURLUPART_URL, base.text, 0) }
        let code = ccurl_url_set(url, CURLUPART_URL, text, UInt32(CURLU_DISALLOW_USER))
        if code == CURLUE_USER_NOT_ALLOWED {
            throw HTTPClientRefusal("The URL has a user or password: put them into an Authorization field instead.")
        }
        guard code == CURLUE_OK else {
            throw HTTPClientRefusal("The URL is not one: \(String(cString: ccurl_url_error_text(code))).")
        }
        _ = ccurl_url_set(url, CURLUPART_FRAGMENT, nil, 0)
        let scheme = Self.part(url, CURLUPART_SCHEME)
        guard scheme == "http" || scheme == "https" else {
            throw HTTPClientRefusal("The URL is neither http nor https.")
        }
        guard let whole = Self.part(url, CURLUPART_URL), let host = Self.part(url, CURLUPART_HOST), !host.isEmpty,
            let port = Self.part(url, CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)), port != "0"
        else { throw HTTPClientRefusal("The URL names no host and port to connect to.") }
        self.text = whole
        isSecure = scheme == "https"
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host.lowercased()
        self.port = port
    }

    private static func part(_ url: OpaquePointer, _ part: CURLUPart, _ flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard ccurl_url_get(url, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { ccurl_free_text(text) }
        return String(cString: text)
    }

    /// A proxy's URL, `http://host:port` with or without user and password.
    static func checkProxy(_ text: String) throws(HTTPClientRefusal) {
        guard text.utf8.count <= lengthLimit, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let url = ccurl_url_make()
        else { throw HTTPClientRefusal("The proxy's URL is not one.") }
        defer { ccurl_url_free(url) }
        // No word of the URL in the reason: it may hold a password.
        guard ccurl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK, part(url, CURLUPART_SCHEME) == "http",
            part(url, CURLUPART_PORT) != nil
        else { throw HTTPClientRefusal("The proxy is to be written as http://host:port.") }
    }
}

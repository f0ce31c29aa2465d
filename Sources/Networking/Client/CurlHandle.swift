internal import CCurl
internal import Glibc

/// libcurl's handle of one transfer, with what it points to.
final class CurlHandle {
    let raw: UnsafeMutableRawPointer
    /// libcurl's words for a failure.
    private let words = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var lines: UnsafeMutablePointer<curl_slist>?

    init?() {
        words.initialize(repeating: 0)
        guard let made = ccurl_make() else {
            words.deallocate()
            return nil
        }
        raw = made
    }

    deinit {
        ccurl_free(raw)
        ccurl_free_list(lines)
        words.deallocate()
    }

    /// Sets everything for the transfer's present leg; false where there is no memory.
    func prepare(_ transfer: HTTPTransfer, _ client: HTTPClient, isFresh: Bool) -> Bool {
        ccurl_reset(raw)
        words.update(repeating: 0)
        let leg = transfer.leg
        let isSound =
            setTexts(transfer, client) && setNumbers(transfer, isFresh: isFresh, sessions: client.sessions)
            && setMethod(transfer)
            && setFields(leg, client)
        var callbacks = Self.callbacks
        let code = ccurl_set_callbacks(raw, &callbacks, Unmanaged.passUnretained(transfer).toOpaque())
        return isSound && code == CURLE_OK
    }

    private func setTexts(_ transfer: HTTPTransfer, _ client: HTTPClient) -> Bool {
        var texts: [(CURLoption, String?)] = [
            (CURLOPT_URL, transfer.leg.url.text),
            (CURLOPT_PROTOCOLS_STR, transfer.leg.url.isSecure ? "https" : "http"),
            (CURLOPT_REDIR_PROTOCOLS_STR, "https"),
            // Empty, not absent: then neither is looked for in the environment.
            (CURLOPT_PROXY, transfer.request.proxy), (CURLOPT_NOPROXY, ""),
            (CURLOPT_USERAGENT, client.userAgent),
            // The store is ours: see ClientTrust.
            (CURLOPT_CAINFO, nil),
        ]
        // What libcurl keeps connections and sessions apart by: a folder that is none, named after all that two requests
        // must agree in. That they do is checked again before each request.
        if let trust = transfer.leg.trust, client.separatesConnections {
            texts.append((CURLOPT_CAPATH, "/dev/null/\(trust.id)"))
        } else {
            texts.append((CURLOPT_CAPATH, nil))
        }
        return texts.allSatisfy { ccurl_set_text(raw, $0.0, $0.1) == CURLE_OK }
    }

    private func setNumbers(_ transfer: HTTPTransfer, isFresh: Bool, sessions: UnsafeMutableRawPointer) -> Bool {
        let request = transfer.request
        let speed = Int64(clamping: request.bandwidthLimit ?? 0)
        // libcurl looks at the ceiling only after up to a hundred buffers.
        let buffer = speed > 0 ? min(max(speed / 200, 1024), 65_536) : 65_536
        let numbers: [(CURLoption, Int)] = [
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_FOLLOWLOCATION, 0), (CURLOPT_DISALLOW_USERNAME_IN_URL, 1),
            (CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1), (CURLOPT_HTTP09_ALLOWED, 0),
            (CURLOPT_HTTP_CONTENT_DECODING, 0), (CURLOPT_SUPPRESS_CONNECT_HEADERS, 1),
            (CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue)), (CURLOPT_PROXYTYPE, Int(CURLPROXY_HTTP.rawValue)),
            (CURLOPT_TCP_KEEPALIVE, 1), (CURLOPT_BUFFERSIZE, Int(buffer)),
            // A name server that does not answer must not hold up the thread when a transfer is given up.
            (CURLOPT_QUICK_EXIT, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: max(request.connectTimeout / 1_000_000, 1))),
            (CURLOPT_FRESH_CONNECT, isFresh ? 1 : 0), (CURLOPT_SSL_SESSIONID_CACHE, isFresh ? 0 : 1),
            (CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)), (CURLOPT_SSL_VERIFYPEER, 1),
            // The host in the URL is not what is checked, and its rules would take a common name.
            (CURLOPT_SSL_VERIFYHOST, 0), (CURLOPT_CA_CACHE_TIMEOUT, 0),
        ]
        return numbers.allSatisfy { ccurl_set_number(raw, $0.0, $0.1) == CURLE_OK }
            && ccurl_set_pointer(raw, CURLOPT_ERRORBUFFER, words.baseAddress) == CURLE_OK
            && ccurl_set_pointer(raw, CURLOPT_SHARE, sessions) == CURLE_OK
            && ccurl_set_size(raw, CURLOPT_MAX_RECV_SPEED_LARGE, speed) == CURLE_OK
            && ccurl_set_size(raw, CURLOPT_MAX_SEND_SPEED_LARGE, speed) == CURLE_OK
    }

    private func setMethod(_ transfer: HTTPTransfer) -> Bool {
        let leg = transfer.leg
        if leg.hasBody {
            return ccurl_set_number(raw, CURLOPT_UPLOAD, 1) == CURLE_OK
                && ccurl_set_size(raw, CURLOPT_INFILESIZE_LARGE, Int64(clamping: transfer.request.body.length))
                    == CURLE_OK
                && ccurl_set_text(raw, CURLOPT_CUSTOMREQUEST, leg.method) == CURLE_OK
        }
        switch leg.method {
        case "GET": return ccurl_set_number(raw, CURLOPT_HTTPGET, 1) == CURLE_OK
        case "HEAD": return ccurl_set_number(raw, CURLOPT_NOBODY, 1) == CURLE_OK
        case "POST", "PUT", "PATCH":
            // With `Content-Length: 0`, as RFC 9110 section 8.6 asks.
            return ccurl_set_number(raw, CURLOPT_POST, 1) == CURLE_OK
                && ccurl_set_size(raw, CURLOPT_POSTFIELDSIZE_LARGE, 0) == CURLE_OK
                && ccurl_set_text(raw, CURLOPT_COPYPOSTFIELDS, "") == CURLE_OK
                && ccurl_set_text(raw, CURLOPT_CUSTOMREQUEST, leg.method) == CURLE_OK
        default: return ccurl_set_text(raw, CURLOPT_CUSTOMREQUEST, leg.method) == CURLE_OK
        }
    }

    private func setFields(_ leg: RedirectRule.Leg, _ client: HTTPClient) -> Bool {
        ccurl_free_list(lines)
        lines = nil
        // A field's name and nothing else takes out what libcurl would add.
        var wanted = ["Expect:"]
        if !leg.fields.contains(where: { $0.name.lowercased() == "content-type" }) { wanted.append("Content-Type:") }
        wanted += leg.fields.map { field in
            let value = field.value.drop { $0 == " " || $0 == "\t" }
            // A field without a value is written with a semicolon (CURLOPT_HTTPHEADER(3)).
            return value.isEmpty ? "\(field.name);" : "\(field.name): \(value)"
        }
        for line in wanted {
            guard let longer = ccurl_append(lines, line) else { return false }
            lines = longer
        }
        return ccurl_set_pointer(raw, CURLOPT_HTTPHEADER, lines) == CURLE_OK
    }

    // MARK: Callbacks

    private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPTransfer? {
        // The client holds a transfer for as long as its handle is libcurl's.
        context.map { Unmanaged<HTTPTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let callbacks = ccurl_callbacks(
        write: { bytes, size, count, context in
            guard let transfer = CurlHandle.of(context) else { return 0 }
            return transfer.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
        },
        header: { bytes, size, count, context in
            guard let transfer = CurlHandle.of(context) else { return 0 }
            return transfer.takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
        },
        read: { bytes, size, count, context in
            let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
            return CurlHandle.of(context)?.readBody(buffer) ?? Int(CURL_READFUNC_ABORT)
        },
        seek: { context, offset, origin in
            guard origin == SEEK_SET, CurlHandle.of(context)?.seek(to: Int64(offset)) == true else {
                return CInt(CURL_SEEKFUNC_FAIL)
            }
            return CInt(CURL_SEEKFUNC_OK)
        },
        before_request: { context, _, _, _, _ in
            guard let transfer = CurlHandle.of(context), let handle = transfer.handle else {
                return CInt(CURL_PREREQFUNC_ABORT)
            }
            let connection = transfer.leg.trust == nil ? nil : ccurl_tls(handle).map { OpaquePointer($0) }
            return CInt(transfer.mayUseConnection(connection) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT)
        },
        set_up_tls: { _, context, owner in
            guard let transfer = CurlHandle.of(owner), let context else { return CURLE_ABORTED_BY_CALLBACK }
            return transfer.setUpTLS(OpaquePointer(context))
        })

    // MARK: Failures

    /// What libcurl's code means for a plugin.
    func failure(_ code: CURLcode, of transfer: HTTPTransfer, check: PeerCheck?) -> TransferFailure {
        let url = transfer.leg.url
        let said = words.baseAddress.map { String(cString: $0) } ?? ""
        let detail = said.isEmpty ? String(cString: ccurl_error_text(code)) : said
        if let finding = check?.finding { return TransferFailure(.wrongPeer, HTTPTransfer.sentence(url, finding)) }
        if let doubt = check?.doubt { return TransferFailure(.tlsFailed, HTTPTransfer.sentence(url, doubt)) }
        let hasProxy = !transfer.request.proxy.isEmpty
        let systemError = CInt(truncatingIfNeeded: ccurl_number(raw, CURLINFO_OS_ERRNO))
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST:
            return TransferFailure(.unresolved, "The host \(url.host) has no address: \(detail).")
        case CURLE_COULDNT_RESOLVE_PROXY: return TransferFailure(.proxyFailed, "The proxy has no address: \(detail).")
        case CURLE_COULDNT_CONNECT where hasProxy, CURLE_PROXY:
            return TransferFailure(.proxyFailed, "The proxy to \(url.authority) does not serve: \(detail).")
        case CURLE_COULDNT_CONNECT:
            return TransferFailure(
                .notConnected, "There is no connection to \(url.authority): \(detail).", systemError: systemError)
        case CURLE_OPERATION_TIMEDOUT:
            return TransferFailure(
                .connectTimeout,
                "There was no connection to \(url.authority) within \(transfer.request.connectTimeout.inSeconds).")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_USE_SSL_FAILED, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CLIENTCERT:
            return TransferFailure(.tlsFailed, "TLS with \(url.authority) failed: \(detail).")
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
            return broken(transfer, detail)
        case CURLE_OUT_OF_MEMORY where transfer.isSent:
            // What libcurl says of a line beyond its bound, 100 KB.
            return TransferFailure(.protocolBroken, "The answer of \(url.authority) has a line without end.")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
            return TransferFailure(.protocolBroken, "The answer of \(url.authority) is not HTTP/1.1: \(detail).")
        default: return TransferFailure(.failed, "The transfer from \(url.authority) failed: \(detail).")
        }
    }

    /// A connection that ended, and where.
    private func broken(_ transfer: HTTPTransfer, _ detail: String) -> TransferFailure {
        let url = transfer.leg.url
        if !transfer.isSent, !transfer.request.proxy.isEmpty {
            return TransferFailure(.proxyFailed, "The proxy does not lead to \(url.authority): \(detail).")
        }
        // With TLS 1.3 the server judges the client's certificate when the client takes the handshake to be over.
        if detail.contains("SSL routines"), detail.contains("alert") {
            return TransferFailure(.tlsFailed, "\(url.authority) refused the TLS connection: \(detail).")
        }
        if detail.contains("chunk") {
            return TransferFailure(.protocolBroken, "The answer of \(url.authority) is not HTTP/1.1: \(detail).")
        }
        return TransferFailure(
            .connectionLost, "The connection to \(url.authority) ended before the answer was whole: \(detail).")
    }
}

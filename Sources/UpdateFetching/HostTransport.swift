import Glibc
public import PluginKit
public import UpdateTrust

/// Fetches updates through the host's HTTP client, over TLS where the URL says so. Usable from any task; cancelling the
/// task ends what is under way.
public struct HostTransport: UpdateTransport {
    /// Within which bounds it fetches.
    public struct Limits: Sendable, Hashable {
        public var connectTimeout: Duration
        /// How long no byte at all may come: a slow server is endured, one that stopped is not.
        public var stallTimeout: Duration
        /// Bytes a second; nil: no bound.
        public var bandwidth: UInt64?
        public var redirects: Int

        public init(
            connectTimeout: Duration = .seconds(10), stallTimeout: Duration = .seconds(30), bandwidth: UInt64? = nil,
            redirects: Int = 5
        ) {
            self.connectTimeout = connectTimeout
            self.stallTimeout = stallTimeout
            self.bandwidth = bandwidth
            self.redirects = redirects
        }
    }

    let host: Host
    let client: HTTPClient
    let trust: TransportTrust
    let limits: Limits

    /// Throws where the host does not offer `muster.http-client/1`.
    public init(
        _ host: Host, trust: TransportTrust = .system, limits: Limits = Limits()
    ) throws(PluginError) {
        self.host = host
        client = try host.httpClient()
        self.trust = trust
        self.limits = limits
    }

    public func fetch(_ url: String, upTo limit: Int) async throws(TransportFailure) -> [UInt8] {
        var request = try await request(url)
        // A metadata file is small: no server has a reason to take minutes over it, however it trickles.
        request.totalTimeout = limits.stallTimeout * 4
        let answer: HTTPAnswer
        do {
            answer = try await client.send(request, upTo: max(1, limit))
        } catch {
            throw TransportFailure(error, url)
        }
        try Self.check(answer, url, expecting: [.ok])
        // What nothing may be larger than is nothing; a limit of nothing would be none.
        guard answer.body.count <= limit else {
            throw TransportFailure(.tooLarge, "\(url) is larger than \(limit) bytes", status: 200)
        }
        if Self.isPage(answer) { throw Self.page(url) }
        return answer.body
    }

    public func download(
        _ url: String, to file: Int32, from offset: UInt64, upTo limit: UInt64,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(TransportFailure) {
        var request = try await request(url)
        request.bodyLimit = max(1, limit)
        // The caller keeps its own; the host duplicates what it is lent.
        let own = fcntl(file, F_DUPFD_CLOEXEC, 3)
        guard own >= 0 else {
            let code = errno
            throw TransportFailure(
                .storage, "\(SystemError(code, doing: "take what \(url) sends"))", systemError: code)
        }
        let open = OpenFile(owning: own)
        let watch = Task { await Self.watch(open, progress) }
        defer { watch.cancel() }
        let answer: HTTPAnswer
        do {
            answer = try await client.download(
                request, to: open,
                resuming: offset > 0 ? HTTPClient.Resumption(offset: offset, validator: nil) : nil)
        } catch {
            throw TransportFailure(error, url)
        }
        try Self.check(answer, url, from: offset, expecting: [.ok, .partialContent])
        if Self.saysPage(answer), !url.hasSuffix(".html"), !url.hasSuffix(".htm") {
            // So that what comes of it is not taken for a beginning of the file.
            ftruncate(own, off_t(clamping: offset))
            throw Self.page(url)
        }
        progress(offset + answer.end.receivedBytes)
    }

    // MARK: How

    private func request(_ url: String) async throws(TransportFailure) -> HTTPRequest {
        var request = HTTPRequest(url)
        request.tls = try await tls(url)
        request.redirectLimit = limits.redirects
        request.connectTimeout = limits.connectTimeout
        request.stallTimeout = limits.stallTimeout
        request.bandwidthLimit = limits.bandwidth
        return request
    }

    private func tls(_ url: String) async throws(TransportFailure) -> HTTPRequest.TLS? {
        guard trust.readsFiles, url.hasPrefix("https://") else { return try trust.tls(for: url) }
        do {
            let trust = trust
            return try await host.run { try trust.tls(for: url) }
        } catch let failure as TransportFailure {
            throw failure
        } catch {
            throw TransportFailure(.cancelled, "\(url) was not asked for: the component stops")
        }
    }

    /// The host writes by itself; how far it is, the file says.
    private static func watch(_ file: OpenFile, _ progress: @Sendable (UInt64) -> Void) async {
        while true {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            var state = stat()
            if fstat(file.descriptor, &state) == 0 { progress(UInt64(clamping: state.st_size)) }
        }
    }

    private static func check(
        _ answer: HTTPAnswer, _ url: String, from offset: UInt64 = 0, expecting wanted: Set<Status>
    ) throws(TransportFailure) {
        if wanted.contains(answer.status) { return }
        throw TransportFailure(
            status: Int(answer.status.rawValue), of: url, from: offset, retryAfter: answer.end.retryAfter)
    }

    private static func saysPage(_ answer: HTTPAnswer) -> Bool {
        (answer.head.header("Content-Type") ?? "").lowercased().hasPrefix("text/html")
    }

    /// Metadata is JSON, and no JSON begins with a `<`.
    private static func isPage(_ answer: HTTPAnswer) -> Bool {
        let first = answer.body.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        return first == UInt8(ascii: "<") || (saysPage(answer) && first != UInt8(ascii: "{"))
    }

    private static func page(_ url: String) -> TransportFailure {
        TransportFailure(
            .status,
            "\(url) was answered with a web page in place of the file: a login page or a proxy is in the way",
            status: 200)
    }
}

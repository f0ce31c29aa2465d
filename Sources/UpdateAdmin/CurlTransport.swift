internal import Files
internal import Networking
public import UpdateTrust

/// Fetches for the command line: over http, or over https from servers whose certificate names the host of the address.
///
/// There is no bound on the whole of a transfer, only on the silence in it. Redirects are followed, but never from https to
/// http. Usable from any task.
public final class CurlTransport: UpdateTransport {
    private enum Limit {
        static let redirects = 3
        /// Nanoseconds.
        static let connect: UInt64 = 10_000_000_000
        /// Bytes of a file of authorities; the HTTP client takes no more.
        static let authority = 1 << 20
    }

    private let http: HTTPClient
    /// PEM; empty: the system's authorities.
    private let authority: [UInt8]
    /// Nanoseconds.
    private let stallTimeout: UInt64

    /// Starts the thread that fetches. It ends with this object.
    /// - Parameters:
    ///   - authorityFile: PEM: who vouches for servers over https; nil: the system's authorities.
    ///   - stallTimeout: how long nothing may come.
    /// - Throws: `other` where there is no libcurl or no thread, `storage` where the file cannot be read.
    public init(
        authorityFile: String? = nil, stallTimeout: Duration = .seconds(30)
    ) throws(TransportFailure) {
        do throws(FileFailure) {
            authority =
                try authorityFile.map { path throws(FileFailure) in
                    try DurableFiles.read(path, upTo: Limit.authority)
                } ?? []
        } catch {
            throw TransportFailure(.storage, "\(error)", systemError: error.code)
        }
        guard let http = HTTPClient(userAgent: "muster") else {
            throw TransportFailure(.other, HTTPClient.unavailability ?? "libcurl gives no handle")
        }
        guard ClientThread.start({ http.run() }) else {
            throw TransportFailure(.other, "the system has no thread left for the HTTP client")
        }
        self.http = http
        let parts = stallTimeout.components
        self.stallTimeout =
            UInt64(clamping: parts.seconds) &* 1_000_000_000 &+ UInt64(clamping: parts.attoseconds / 1_000_000_000)
    }

    deinit { http.close() }

    public func fetch(_ url: String, upTo limit: Int) async throws(TransportFailure) -> [UInt8] {
        var request = request(url)
        request.bodyLimit = UInt64(clamping: limit)
        let fetching = Fetching()
        let result = try await run(request, fetching)
        if let failure = TransportFailure(result, of: url, from: 0) { throw failure }
        return fetching.takeBody()
    }

    public func download(
        _ url: String, to file: Int32, from offset: UInt64, upTo limit: UInt64,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(TransportFailure) {
        var request = request(url)
        request.bodyLimit = limit
        request.resumeOffset = offset
        request.destination = .init(descriptor: file, offset: offset)
        // The client writes to the file itself: how far it is can be seen there.
        let watch = FileGrowth.watch(file, progress)
        let result: HTTPClientResult
        do throws(TransportFailure) {
            result = try await run(request, Fetching())
        } catch {
            await watch.end()
            throw error
        }
        await watch.end()
        if let failure = TransportFailure(result, of: url, from: offset) { throw failure }
        progress(offset + result.receivedBytes)
    }

    private func request(_ url: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.redirectLimit = Limit.redirects
        request.connectTimeout = Limit.connect
        request.stallTimeout = stallTimeout
        return request
    }

    /// Waits for the end; a task that is cancelled ends the transfer.
    private func run(
        _ request: HTTPClientRequest, _ fetching: Fetching
    ) async throws(TransportFailure) -> HTTPClientResult {
        let http = http
        do throws(HTTPClient.Failure) {
            try authority.withUnsafeBytesTyped { authority throws(HTTPClient.Failure) in
                let tls = Self.secureHost(of: request.url).map { HTTPClientTLS(expectedPeer: $0, authority: authority) }
                _ = try http.start(request, tls, fetching) { fetching.note($0) }
            }
        } catch {
            switch error {
            case .refused(let refusal): throw TransportFailure(.other, of: request.url, "\(refusal)")
            case .busy, .closed:
                throw TransportFailure(.other, of: request.url, "the HTTP client takes no further request")
            }
        }
        return await withTaskCancellationHandler {
            await fetching.result()
        } onCancel: {
            if let id = fetching.id { _ = http.cancel(id) }
        }
    }

    /// Whom the server's certificate must name; nil for other schemes than https. What is no address is refused by the
    /// client.
    static func secureHost(of url: String) -> String? {
        let scheme = "https://"
        guard url.prefix(scheme.count).lowercased() == scheme else { return nil }
        let authority = url.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[..<end].dropFirst())
        }
        return String(authority.prefix { $0 != ":" })
    }
}

extension [UInt8] {
    /// Lends the bytes to a body that throws errors of one type.
    fileprivate func withUnsafeBytesTyped<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        // Typed throws do not pass the closures of the standard library's arrays, results do.
        let result: Result<Value, Failure> = withUnsafeBytes { bytes in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

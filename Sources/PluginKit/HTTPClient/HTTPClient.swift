import Glibc
import MusterABI

/// Fetches over HTTP. Usable from any thread and task.
///
///     let answer = try await host.httpClient().send(
///         HTTPRequest("https://server.example:50000/jobs", tls: .init(expecting: "muster:server", authority: fleet)))
public struct HTTPClient: Sendable {
    let link: HostLink
    let functions: ClientFunctions

    /// Sends a request and collects the answer, of whatever status. Cancelling the task cancels the transfer.
    ///
    /// Throws `HTTPClientError`, or `CancellationError` where the task was cancelled.
    /// - Parameter limit: bytes of the answer's body; one that is larger is an error.
    public func send(_ request: HTTPRequest, upTo limit: Int = 1 << 20) async throws -> HTTPAnswer {
        var request = request
        request.bodyLimit = min(request.bodyLimit ?? .max, UInt64(max(1, limit)))
        return try await collect(request, file: nil)
    }

    /// What is there already of a content.
    public struct Resumption: Sendable, Equatable {
        /// The bytes that are there.
        public var offset: UInt64
        /// What they were marked with: a strong ETag, quotes included, or a Last-Modified; nil: the caller compares the
        /// whole in another way.
        public var validator: String?

        public init(offset: UInt64, validator: String?) {
            self.offset = offset
            self.validator = validator
        }
    }

    /// Fetches into a file that is open for writing, from its beginning, or behind what is there.
    ///
    /// The body of a 200 or 206 goes to the file; that of any other answer is in `body`, up to 64 KiB of it. Nothing of the
    /// file is cut off. Throws as `send` does, with the cause `notResumed` where the content has changed: then start over
    /// without `resumption`.
    public func download(
        _ request: HTTPRequest, to file: OpenFile, resuming resumption: Resumption? = nil
    ) async throws -> HTTPAnswer {
        try await collect(request, file: Destination(file: file, resumption: resumption))
    }

    /// Fetches into the file at a path, which is made where there is none (mode 0600).
    ///
    /// With a validator, what an earlier download left there is gone on with, and where the content has changed it starts
    /// over by itself. Afterwards the file has the content and no byte more, where the answer is a 200 or 206; otherwise it
    /// is as it was, and the answer's body has up to 64 KiB of what the server says instead. Throws as `send` does, and
    /// `SystemError` where the file cannot be opened.
    public func download(
        _ request: HTTPRequest, to path: Path, resuming validator: String? = nil
    ) async throws -> HTTPAnswer {
        let descriptor = open(path.string, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError(errno, doing: "open \(path)") }
        let file = OpenFile(owning: descriptor)
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw SystemError(errno, doing: "look at \(path)") }
        var resumption: Resumption?
        if let validator, information.st_size > 0 {
            resumption = Resumption(offset: UInt64(information.st_size), validator: validator)
        }
        var answer: HTTPAnswer
        do {
            answer = try await download(request, to: file, resuming: resumption)
        } catch let error as HTTPClientError where error.cause == .notResumed && resumption != nil {
            resumption = nil
            answer = try await download(request, to: file)
        }
        guard answer.status == .ok || answer.status == .partialContent else { return answer }
        let length = (resumption?.offset ?? 0) + answer.end.receivedBytes
        guard ftruncate(descriptor, off_t(clamping: length)) == 0 else {
            throw SystemError(errno, doing: "cut \(path)")
        }
        return answer
    }

    /// Starts a transfer whose answer comes to `handler` piece by piece, on the client's thread.
    @discardableResult
    public func start(
        _ request: HTTPRequest, with handler: some HTTPTransferHandler
    ) throws(HTTPClientError) -> HTTPTransfer {
        try start(request, file: nil, handler)
    }

    // MARK: How

    struct Destination: Sendable {
        var file: OpenFile
        var resumption: Resumption?
    }

    private func collect(_ request: HTTPRequest, file: Destination?) async throws -> HTTPAnswer {
        let collector = AnswerCollector(keeps: file == nil ? .max : 64 << 10)
        return try await withTaskCancellationHandler {
            try Task.checkCancellation()
            return try await withCheckedThrowingContinuation { continuation in
                collector.wait(continuation)
                do throws(HTTPClientError) {
                    collector.isUnderWay(try start(request, file: file, collector))
                } catch {
                    collector.finish(.failure(error))
                }
            }
        } onCancel: {
            collector.cancel()
        }
    }

    /// The transfers of this process, by the number that the host hands back.
    static let transfers = Registry<TransferBox>()

    final class TransferBox: Sendable {
        let handler: any HTTPTransferHandler
        let client: HTTPClient
        /// Held until the end: the host has duplicates of the descriptors, which say nothing of the file's owner.
        let files: [OpenFile]

        init(_ handler: any HTTPTransferHandler, _ client: HTTPClient, files: [OpenFile]) {
            self.handler = handler
            self.client = client
            self.files = files
        }
    }

    private func start(
        _ request: HTTPRequest, file: Destination?, _ handler: some HTTPTransferHandler
    ) throws(HTTPClientError) -> HTTPTransfer {
        guard link.isOpen else { throw HTTPClientError(.stopped, "The component has ended.") }
        let context = Self.transfers.add(TransferBox(handler, self, files: file.map { [$0.file] } ?? []))
        var table = muster_http_client_handler.sized()
        table.context = context
        table.on_head = { HTTPClient.took($0, $1, $2) }
        table.on_body = { HTTPClient.took($0, $1, $2) }
        table.on_end = { HTTPClient.ended($0, $1, $2) }
        var id: muster_http_transfer = 0
        var error = muster_error.sized()
        let status = request.withABI(file) { functions.start(functions.context, $0, &table, &id, &error) }
        if status == MUSTER_OK { return HTTPTransfer(client: self, id: id) }
        Self.transfers.remove(context)
        let message = PluginError(status: status, error: error, doing: "fetch").message
        switch status {
        case MUSTER_INVALID: throw HTTPClientError(.invalid, message)
        case MUSTER_BUSY: throw HTTPClientError(.busy, message, isWorthRetrying: true)
        case MUSTER_WRONG_STATE: throw HTTPClientError(.stopped, message)
        default: throw HTTPClientError(.other, message)
        }
    }

    private static func took(
        _ context: UnsafeMutableRawPointer?, _ id: muster_http_transfer,
        _ answer: UnsafePointer<muster_http_client_answer>?
    ) {
        guard let box = transfers.find(context), let head = HTTPAnswerHead(answer) else { return }
        box.handler.took(head, HTTPTransfer(client: box.client, id: id))
    }

    private static func took(_ context: UnsafeMutableRawPointer?, _ id: muster_http_transfer, _ piece: muster_bytes) {
        guard let box = transfers.find(context) else { return }
        let bytes = UnsafeBufferPointer(start: piece.data, count: piece.data == nil ? 0 : piece.length)
        box.handler.took(Span(_unsafeElements: bytes), HTTPTransfer(client: box.client, id: id))
    }

    private static func ended(
        _ context: UnsafeMutableRawPointer?, _ id: muster_http_transfer,
        _ result: UnsafePointer<muster_http_client_result>?
    ) {
        guard let box = transfers.remove(context) else { return }
        box.handler.ended(HTTPTransferEnd(result), HTTPTransfer(client: box.client, id: id))
    }
}

extension Host {
    /// The client, which the host makes ready when it is first asked for; may take some milliseconds then.
    ///
    /// Throws where the host lacks `muster.http-client/1` (libcurl is not installed): put `.httpClient` in `requires`.
    public func httpClient() throws(PluginError) -> HTTPClient {
        guard link.isOpen, let functions = link.httpClient else { throw .lacking(.httpClient) }
        return HTTPClient(link: link, functions: functions)
    }
}

import MusterABI

/// A request and its answer, by number.
///
/// It may be kept, copied and answered from any thread. When the exchange is over (answered, or its client has gone),
/// every operation answers `gone` and does nothing, so answering twice or late does no harm.
public struct Exchange: @unchecked Sendable {
    // Unchecked: a link is never freed and its tables are constant; whether they may still be called is asked of it each
    // time. Unmanaged, so that handing exchanges about costs no counting of references that all loops share.
    private let unmanagedLink: Unmanaged<HostLink>
    /// The host's number; never used again within the worker.
    public let id: UInt64

    init(_ id: muster_exchange, _ link: HostLink) {
        self.id = id
        unmanagedLink = .passUnretained(link)
    }

    /// Answers in one call and ends the exchange. The body is kept back for HEAD, 204 and 304.
    @discardableResult
    public func respond(_ status: Status, _ headers: HeaderFields = .none, body: Span<UInt8>) -> ExchangeResult {
        let result = call { server in
            headers.withABI { fields, count in
                body.withUnsafeBufferPointer {
                    server.respond(
                        server.context, id, status.rawValue, fields, count,
                        muster_bytes(data: $0.baseAddress, length: $0.count))
                }
            }
        }
        if result == .invalid { answerRefused(status) }
        return result
    }

    @discardableResult
    public func respond(_ status: Status, _ headers: HeaderFields = .none, body: [UInt8]) -> ExchangeResult {
        respond(status, headers, body: body.span)
    }

    /// Answers with text in UTF-8; say so in `headers`, or leave them: then it is `text/plain`.
    @discardableResult
    public func respond(_ status: Status, _ headers: HeaderFields = .plainText, text: String) -> ExchangeResult {
        var text = text
        return text.withUTF8 { respond(status, headers, body: $0.span) }
    }

    /// Answers with a part of a file, sent by the kernel where the transport allows, and ends the exchange. The file is
    /// held until the host has sent it.
    @discardableResult
    public func respond(
        _ status: Status, _ headers: HeaderFields = .none, file: OpenFile, range: Range<UInt64>
    ) -> ExchangeResult {
        let result = call { server in
            var part = muster_file.sized()
            part.context = Unmanaged.passRetained(file).toOpaque()
            part.release = { $0.map { Unmanaged<OpenFile>.fromOpaque($0).release() } }
            part.descriptor = file.descriptor
            part.offset = range.lowerBound
            part.length = range.upperBound - range.lowerBound
            return headers.withABI { server.respondFile(server.context, id, status.rawValue, $0, $1, &part) }
        }
        if result == .invalid { answerRefused(status) }
        return result
    }

    /// Begins a streamed answer; then write any number of times, and end.
    /// - Parameter length: the bytes that will follow; nil where it is not known.
    @discardableResult
    public func begin(_ status: Status, _ headers: HeaderFields = .none, length: UInt64? = nil) -> ExchangeResult {
        let result = call { server in
            headers.withABI { server.begin(server.context, id, status.rawValue, $0, $1, length ?? .max) }
        }
        if result == .invalid { answerRefused(status) }
        return result
    }

    /// Sends a piece of a streamed answer if there is room. After `busy`, which took nothing, wait for `writable`.
    @discardableResult
    public func tryWrite(_ bytes: Span<UInt8>) -> ExchangeResult {
        call { server in
            bytes.withUnsafeBufferPointer {
                server.write(server.context, id, muster_bytes(data: $0.baseAddress, length: $0.count))
            }
        }
    }

    /// Sends a piece of a streamed answer, waiting until there is room. Throws `ExchangeOver` where it cannot be sent.
    public func write(_ bytes: [UInt8]) async throws {
        let link = unmanagedLink._withUnsafeGuaranteedRef { $0 }
        while true {
            switch tryWrite(bytes.span) {
            case .done: return
            case .busy: break
            case let result: throw ExchangeOver(result: result)
            }
            try Task.checkCancellation()
            // Registered before the second try, so that no on_writable between the two is missed.
            let result = await link.writers.wait(for: id) { tryWrite(bytes.span) }
            switch result {
            case .done?: return
            case .busy?, nil: continue
            case let result?: throw ExchangeOver(result: result)
            }
        }
    }

    /// Ends a streamed answer. Short of the promised length, the connection is closed, so that the client sees it.
    @discardableResult
    public func end() -> ExchangeResult { call { $0.end($0.context, id) } }

    /// Breaks the exchange off: the connection is closed without a proper end.
    @discardableResult
    public func abort() -> ExchangeResult { call { $0.abort($0.context, id) } }

    /// Stops the request's body, and with it the client, until `resumeBody`.
    @discardableResult
    public func pauseBody() -> ExchangeResult { call { $0.pauseBody($0.context, id) } }

    /// Lets the request's body come again.
    @discardableResult
    public func resumeBody() -> ExchangeResult { call { $0.resumeBody($0.context, id) } }

    /// Answers in a task, for a handler on a loop that finds it has to wait. The task is cancelled when the client leaves
    /// or the component stops; what it throws, unless it is cancelled or the exchange is over, is logged and answered
    /// with 500, and so is a return without an answer. One task for an exchange.
    public func answer(_ body: @escaping @Sendable () async throws -> Void) {
        let link = unmanagedLink._withUnsafeGuaranteedRef { $0 }
        link.tasks.start(id) {
            do {
                try await body()
                failClosed()
            } catch is CancellationError {
                failClosed()
            } catch is ExchangeOver, is BodyCut {
                failClosed()
            } catch {
                fail(error)
            }
        }
    }

    /// Ends an exchange whose handler failed: 500, or a broken connection where the answer had begun.
    func fail(_ failure: any Error) {
        unmanagedLink._withUnsafeGuaranteedRef {
            Log(link: $0).error("A request's handler failed.", ["error": "\(failure)"])
        }
        failClosed()
    }

    /// 500, or a broken connection where the answer had begun; nothing where the exchange is over.
    func failClosed() {
        if respond(.internalServerError, text: "The component could not answer this request.\n") == .wrongState {
            abort()
        }
    }

    /// The host refused a status or header field: the client gets 500 rather than nothing.
    private func answerRefused(_ status: Status) {
        unmanagedLink._withUnsafeGuaranteedRef {
            Log(link: $0).error(
                "The host refused an answer: its status or a header field is not allowed.",
                ["status": "\(status.rawValue)"])
        }
        guard status != .internalServerError else { return }
        failClosed()
    }

    @inline(__always)
    private func call(_ body: (ServerFunctions) -> muster_status) -> ExchangeResult {
        unmanagedLink._withUnsafeGuaranteedRef { link in
            guard link.isOpen, let server = link.server else { return .gone }
            return ExchangeResult(body(server))
        }
    }
}

/// What an operation on an exchange came to.
public enum ExchangeResult: Sendable, Equatable {
    case done
    /// The exchange is over, or its component is.
    case gone
    /// There is no room to write now.
    case busy
    /// It does not fit what was called before: an answer in one call after `begin`, a write before it.
    case wrongState
    /// A status, a header field or a length is not allowed.
    case invalid
    case failed

    init(_ status: muster_status) {
        switch status {
        case MUSTER_OK: self = .done
        case MUSTER_GONE: self = .gone
        case MUSTER_BUSY: self = .busy
        case MUSTER_WRONG_STATE: self = .wrongState
        case MUSTER_INVALID: self = .invalid
        default: self = .failed
        }
    }
}

/// Nothing more can be written to an exchange.
public struct ExchangeOver: Error, Sendable, Equatable {
    public let result: ExchangeResult
}

import Locks

/// A handler whose requests have a task each.
final class AsyncHandlerBox<Handler: AsyncRequestHandler>: HandlerBox, @unchecked Sendable {
    // Unchecked, since its base class is: `handler` is constant and Sendable by its protocol, `pipes` is behind a lock.
    private let handler: Handler
    private let pipes = Locked<[UInt64: BodyPipe]>([:])

    init(_ handler: Handler, _ link: HostLink) {
        self.handler = handler
        super.init(link)
    }

    override func handle(_ request: borrowing Request, _ exchange: Exchange) {
        let pipe = BodyPipe(exchange)
        if request.hasBody { pipes.withLock { $0[exchange.id] = pipe } } else { pipe.finish() }
        let head = RequestHead(request)
        let handler = handler
        exchange.answer { [self] in
            defer { pipes.withLock { _ = $0.removeValue(forKey: exchange.id) } }
            try await handler.handle(head, body: RequestBody(pipe: pipe), exchange)
        }
    }

    override func receive(_ piece: Span<UInt8>, _ exchange: Exchange) {
        pipe(of: exchange)?.push(piece.withUnsafeBufferPointer { Array($0) })
    }

    override func endOfBody(_ exchange: Exchange) { pipe(of: exchange)?.finish() }

    override func aborted(_ exchange: Exchange, _ reason: AbortReason) {
        pipe(of: exchange)?.cut(reason)
    }

    private func pipe(of exchange: Exchange) -> BodyPipe? { pipes.withLock { $0[exchange.id] } }
}

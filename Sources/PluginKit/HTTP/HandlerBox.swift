import MusterABI

/// A handler as the host holds it: the context of a `muster_http_handler`. A class with a method for each callback,
/// because a C function cannot know the handler's type.
class HandlerBox: @unchecked Sendable {
    // Unchecked: all is constant after init but the table's memory, which is written in init alone.
    let link: HostLink
    let table: UnsafeMutablePointer<muster_http_handler>

    init(_ link: HostLink) {
        self.link = link
        table = .allocate(capacity: 1)
        table.initialize(to: .sized())
        table.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        table.pointee.on_request = { context, id, request in
            HandlerBox.with(context) { box in
                let exchange = Exchange(id, box.link)
                guard let request = Request(request) else { return exchange.failClosed() }
                box.handle(request, exchange)
            }
        }
        table.pointee.on_body = { context, id, piece in
            HandlerBox.with(context) { box in
                let bytes = UnsafeBufferPointer(start: piece.data, count: piece.data == nil ? 0 : piece.length)
                box.receive(Span(_unsafeElements: bytes), Exchange(id, box.link))
            }
        }
        table.pointee.on_body_end = { context, id in
            HandlerBox.with(context) { $0.endOfBody(Exchange(id, $0.link)) }
        }
        table.pointee.on_abort = { context, id, reason in
            HandlerBox.with(context) { box in
                box.link.writers.wake(id)
                box.link.tasks.cancel(id)
                box.aborted(Exchange(id, box.link), AbortReason(reason))
            }
        }
        table.pointee.on_writable = { context, id in
            HandlerBox.with(context) { box in
                box.link.writers.wake(id)
                box.writable(Exchange(id, box.link))
            }
        }
    }

    deinit { table.deallocate() }

    func handle(_ request: borrowing Request, _ exchange: Exchange) {}
    func receive(_ piece: Span<UInt8>, _ exchange: Exchange) {}
    func endOfBody(_ exchange: Exchange) {}
    func aborted(_ exchange: Exchange, _ reason: AbortReason) {}
    func writable(_ exchange: Exchange) {}

    /// Calls `body` with the box that `context` names: the link holds it until destroy, and no callback comes after that.
    @inline(__always)
    private static func with(_ context: UnsafeMutableRawPointer?, _ body: (HandlerBox) -> Void) {
        guard let context else { return }
        Unmanaged<HandlerBox>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
    }
}

/// A handler on the loops.
final class LoopHandlerBox<Handler: RequestHandler>: HandlerBox, @unchecked Sendable {
    private let handler: Handler

    init(_ handler: Handler, _ link: HostLink) {
        self.handler = handler
        super.init(link)
    }

    override func handle(_ request: borrowing Request, _ exchange: Exchange) {
        do { try handler.handle(request, exchange) } catch { exchange.fail(error) }
    }

    override func receive(_ piece: Span<UInt8>, _ exchange: Exchange) {
        do { try handler.receive(piece, exchange) } catch { exchange.fail(error) }
    }

    override func endOfBody(_ exchange: Exchange) {
        do { try handler.endOfBody(exchange) } catch { exchange.fail(error) }
    }

    override func aborted(_ exchange: Exchange, _ reason: AbortReason) { handler.aborted(exchange, reason) }
    override func writable(_ exchange: Exchange) { handler.writable(exchange) }
}

extension AbortReason {
    init(_ reason: muster_abort_reason) {
        switch reason {
        case MUSTER_ABORT_CLIENT_GONE: self = .clientGone
        case MUSTER_ABORT_TIMEOUT: self = .timeout
        case MUSTER_ABORT_BAD_REQUEST: self = .badRequest
        case MUSTER_ABORT_SHUTDOWN: self = .shutdown
        default: self = .other
        }
    }
}

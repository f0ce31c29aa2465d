import MusterABI

/// Takes the answer of one transfer, on the client's one thread, in this order: the head, pieces of the body, the end. A
/// call that blocks stalls every transfer of the component.
public protocol HTTPTransferHandler: AnyObject, Sendable {
    /// The answer's head has come. By default nothing is done with it.
    func took(_ head: HTTPAnswerHead, _ transfer: HTTPTransfer)

    /// A piece of the body. By default it is thrown away.
    func took(_ piece: Span<UInt8>, _ transfer: HTTPTransfer)

    /// The transfer has ended: once for each that was started, perhaps before `start` has returned.
    func ended(_ end: HTTPTransferEnd, _ transfer: HTTPTransfer)
}

extension HTTPTransferHandler {
    public func took(_ head: HTTPAnswerHead, _ transfer: HTTPTransfer) {}
    public func took(_ piece: Span<UInt8>, _ transfer: HTTPTransfer) {}
}

/// A transfer under way. Dropping the value leaves it running; what is called after its end does nothing.
public struct HTTPTransfer: Sendable {
    let client: HTTPClient
    /// The host's number; never used again within the component.
    public let id: UInt64

    /// Ends it: `ended` follows soon, with the cause `cancelled` unless it has just ended by itself.
    public func cancel() { call { $0.cancel($0.context, id) } }

    /// Stops the body, and with it the server, until `resume`. From within a call of the handler no piece comes after it;
    /// from elsewhere one may be under way.
    public func pause() { call { $0.pauseBody($0.context, id) } }

    /// Lets the body come again.
    public func resume() { call { $0.resumeBody($0.context, id) } }

    private func call(_ body: (ClientFunctions) -> muster_status) {
        guard client.link.isOpen else { return }
        _ = body(client.functions)
    }
}

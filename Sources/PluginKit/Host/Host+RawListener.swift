import MusterABI

/// Speaks a protocol of its own on the sockets of a raw listener.
public protocol RawListenerHandler: AnyObject, Sendable {
    /// Begin to accept; after activate, on the control thread.
    func start()
    /// Accept no more, without shutdown() or close(): connects queue for the next generation. `start` may follow.
    func pause()
}

extension Host {
    /// The listening sockets of a raw listener, one for each address the operator configured: non-blocking,
    /// close-on-exec, shared with other generations (never shut them down) and closed by the host. In prepare alone,
    /// once for each listener.
    public func open(_ listener: Listener, with handler: some RawListenerHandler) throws(PluginError) -> [CInt] {
        guard link.isOpen, let functions = link.listener else { throw .lacking(.listener) }
        let box = RawListenerBox(handler)
        var error = muster_error.sized()
        var descriptors = [Int32](repeating: -1, count: 64)
        var count = 0
        let status = withABIText(listener.name) {
            functions.open(functions.context, $0, box.table, &descriptors, descriptors.count, &count, &error)
        }
        guard status == MUSTER_OK, count <= descriptors.count else {
            throw PluginError(status: status, error: error, doing: "open the listener \(listener.name)")
        }
        link.keep(box)
        return Array(descriptors.prefix(count))
    }
}

/// A raw listener's handler as the host holds it.
final class RawListenerBox: @unchecked Sendable {
    // Unchecked: all is constant after init but the table's memory, which is written in init alone.
    private let handler: any RawListenerHandler
    let table: UnsafeMutablePointer<muster_listener_handler>

    init(_ handler: any RawListenerHandler) {
        self.handler = handler
        table = .allocate(capacity: 1)
        table.initialize(to: .sized())
        table.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        table.pointee.start = { RawListenerBox.of($0)?.handler.start() }
        table.pointee.pause = { RawListenerBox.of($0)?.handler.pause() }
    }

    deinit { table.deallocate() }

    /// The box that `context` names: the link holds it until destroy.
    private static func of(_ context: UnsafeMutableRawPointer?) -> RawListenerBox? {
        context.map { Unmanaged<RawListenerBox>.fromOpaque($0).takeUnretainedValue() }
    }
}

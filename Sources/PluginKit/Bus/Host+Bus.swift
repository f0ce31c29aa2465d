import Locks
import MusterABI

extension Host {
    /// Publishes a message, at most 256 KiB, to every other component that subscribes to the topic. At most once: who is
    /// not active just now does not get it. Nobody may be listening.
    public func publish(_ topic: Topic, _ payload: [UInt8] = []) throws(BusError) {
        guard link.isOpen, let bus = link.bus else { throw .lackingBus }
        var error = muster_error.sized()
        let status = payload.withABIBytes { bytes in
            withABIText(topic.name) { bus.publish(bus.context, $0, bytes, &error) }
        }
        guard status == MUSTER_OK else { throw BusError(status: status, error: error, doing: "publish '\(topic)'") }
    }

    /// Calls `body` on the control thread with each message of a topic, between activate and quiesce. In prepare alone,
    /// once for each topic. What `body` throws is logged.
    public func subscribe(
        _ topic: Topic, _ body: @escaping @Sendable (BusMessage) throws -> Void
    ) throws(PluginError) {
        guard link.isOpen, let bus = link.bus else { throw .lacking(.bus) }
        let box = SubscriberBox(link, body)
        var subscriber = muster_bus_subscriber.sized()
        subscriber.context = Unmanaged.passUnretained(box).toOpaque()
        subscriber.on_message = { context, message in
            guard let box = SubscriberBox.of(context), isUsable(message, size: MUSTER_BUS_MESSAGE_SIZE_1_0),
                let message
            else { return }
            box.take(message.pointee)
        }
        var error = muster_error.sized()
        let status = withABIText(topic.name) { bus.subscribe(bus.context, $0, &subscriber, &error) }
        guard status == MUSTER_OK else {
            throw PluginError(status: status, error: error, doing: "subscribe to '\(topic)'")
        }
        link.keep(box)
    }

    /// Calls `handler` on the control thread with each call of a service, between activate and quiesce. It replies, or
    /// keeps the call and sees to a reply from elsewhere. In prepare alone, once for each service.
    public func serve(
        _ service: Service, _ handler: @escaping @Sendable (BusCall) throws -> Void
    ) throws(PluginError) {
        try serve(
            service,
            ServiceBox(link) { call in
                do { try handler(call) } catch { call.fail(error) }
            })
    }

    /// Runs `handler` in a task for each call of a service. It replies before it returns: where it does not, the call
    /// fails. Tasks are cancelled when the component stops. In prepare alone, once for each service.
    public func serve(
        _ service: Service, _ handler: @escaping @Sendable (BusCall) async throws -> Void
    ) throws(PluginError) {
        try serve(
            service,
            ServiceBox(link) { call in
                // The numbers of exchanges and of calls are two series.
                call.link.tasks.start(call.id | 1 << 63) {
                    do {
                        try await handler(call)
                        call.fail("the component gave no answer")
                    } catch {
                        call.fail(error)
                    }
                }
            })
    }

    private func serve(_ service: Service, _ box: ServiceBox) throws(PluginError) {
        guard link.isOpen, let bus = link.bus else { throw .lacking(.bus) }
        var server = muster_bus_server.sized()
        server.context = Unmanaged.passUnretained(box).toOpaque()
        server.on_call = { context, request in
            guard let box = ServiceBox.of(context), isUsable(request, size: MUSTER_BUS_REQUEST_SIZE_1_0), let request
            else { return }
            box.take(request.pointee)
        }
        var error = muster_error.sized()
        let status = withABIText(service.name) { bus.serve(bus.context, $0, &server, &error) }
        guard status == MUSTER_OK else { throw PluginError(status: status, error: error, doing: "serve '\(service)'") }
        link.keep(box)
    }
}

/// A subscription as the host holds it: the link keeps it until destroy.
private final class SubscriberBox: Sendable {
    private let link: HostLink
    private let body: @Sendable (BusMessage) throws -> Void

    init(_ link: HostLink, _ body: @escaping @Sendable (BusMessage) throws -> Void) {
        self.link = link
        self.body = body
    }

    static func of(_ context: UnsafeMutableRawPointer?) -> SubscriberBox? {
        context.map { Unmanaged<SubscriberBox>.fromOpaque($0).takeUnretainedValue() }
    }

    func take(_ message: muster_bus_message) {
        let topic = Topic(message.topic.repairedText)
        do {
            try body(
                BusMessage(topic: topic, sender: message.sender.repairedText, payload: message.payload.array))
        } catch {
            Log(link: link).error("A message's handler failed.", ["topic": topic.name, "error": "\(error)"])
        }
    }
}

/// A service as the host holds it: the link keeps it until destroy.
private final class ServiceBox: Sendable {
    private let link: HostLink
    private let body: @Sendable (BusCall) -> Void

    init(_ link: HostLink, _ body: @escaping @Sendable (BusCall) -> Void) {
        self.link = link
        self.body = body
    }

    static func of(_ context: UnsafeMutableRawPointer?) -> ServiceBox? {
        context.map { Unmanaged<ServiceBox>.fromOpaque($0).takeUnretainedValue() }
    }

    func take(_ request: muster_bus_request) { body(BusCall(request, link)) }
}

import MusterABI

/// The plugin's `create`.
func createComponent(
    _ context: UnsafeMutableRawPointer?, _ host: UnsafePointer<muster_host>?,
    _ component: UnsafeMutablePointer<UnsafePointer<muster_component>?>?, _ error: UnsafeMutablePointer<muster_error>?
) -> muster_status {
    guard let context, let component else { return MUSTER_INVALID }
    do throws(PluginError) {
        let link = try HostLink(host)
        let factory = Unmanaged<AnyComponentFactory>.fromOpaque(context).takeUnretainedValue()
        let made = factory.make(link)
        made.fillTable()
        component.pointee = UnsafePointer(made.table)
        return MUSTER_OK
    } catch {
        unsafeDescribe(error)
        return MUSTER_UNSUPPORTED
    }
    func unsafeDescribe(_ failure: PluginError) { error?.describe(failure) }
}

extension AnyComponent {
    /// The component that a table's context names; it lives from create to destroy.
    private static func of(_ context: UnsafeMutableRawPointer?) -> AnyComponent? {
        context.map { Unmanaged<AnyComponent>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Gives the host the functions of this component and, with them, the ownership of it.
    fileprivate func fillTable() {
        table.pointee.context = Unmanaged.passRetained(self).toOpaque()
        table.pointee.get_extension = { _, _ in nil }
        table.pointee.prepare = { context, options, error in
            guard let component = AnyComponent.of(context) else { return MUSTER_INVALID }
            return component.take(.prepared, from: [.created], error) { try component.prepare(options) }
        }
        table.pointee.activate = { context, state, error in
            guard let component = AnyComponent.of(context) else { return MUSTER_INVALID }
            let state = Array(UnsafeBufferPointer(start: state.data, count: state.data == nil ? 0 : state.length))
            return component.take(.active, from: [.prepared, .quiet, .released], error) {
                try component.activate(state)
            }
        }
        table.pointee.quiesce = { context, deadline, error in
            guard let component = AnyComponent.of(context) else { return MUSTER_INVALID }
            return component.take(.quiet, from: [.prepared, .active], error) {
                try component.quiesce(.init(monotonicNanoseconds: deadline))
            }
        }
        table.pointee.release = { context, sink, error in
            guard let component = AnyComponent.of(context) else { return MUSTER_INVALID }
            return component.take(.released, from: [.active, .quiet], error) {
                try AnyComponent.write(try component.release(), to: sink)
            }
        }
        table.pointee.stop = { context in
            guard let component = AnyComponent.of(context) else { return }
            component.host.link.tasks.cancelAll()
            component.stop()
            let left = component.host.link.tasks.wait(seconds: 4)
            if left > 0 {
                component.host.log.error("Requests are still being answered after stop.", ["tasks": "\(left)"])
            }
            component.host.link.enter(.stopped)
        }
        table.pointee.destroy = { context in
            guard let context else { return }
            let component = Unmanaged<AnyComponent>.fromOpaque(context)
            component._withUnsafeGuaranteedRef { $0.host.link.close() }
            component.release()
        }
    }

    private static func write(_ state: [UInt8], to sink: UnsafePointer<muster_sink>?) throws {
        guard !state.isEmpty else { return }
        guard let sink, isUsable(sink, size: MUSTER_SINK_SIZE_1_0), let write = sink.pointee.write else {
            throw PluginError("The host handed over nowhere to write the state.")
        }
        let status = state.withUnsafeBufferPointer {
            write(sink.pointee.context, muster_bytes(data: $0.baseAddress, length: $0.count))
        }
        guard status == MUSTER_OK else {
            throw PluginError("The host did not take the state of \(state.count) bytes (status \(status)).")
        }
    }
}

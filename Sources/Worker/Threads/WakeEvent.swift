internal import CLinux
internal import ControlProtocol

/// Wakes a thread that waits in poll: an eventfd (eventfd(2)).
final class WakeEvent: Sendable {
    private let descriptor: Descriptor

    init() throws(ThreadFailure) {
        let event = clinux_event_open()
        guard event >= 0 else { throw ThreadFailure("opening an event descriptor", errno: -event) }
        descriptor = Descriptor(owning: event)
    }

    var rawDescriptor: CInt { descriptor.rawValue }

    /// From any thread; never blocks.
    func raise() { clinux_event_raise(rawDescriptor) }

    func clear() { clinux_event_clear(rawDescriptor) }
}

internal import ControlProtocol

extension Worker {
    /// Asks the supervisor for a listener's sockets, from within a plugin's prepare, and waits for the answer. What comes
    /// meanwhile is dealt with afterwards; what ends the worker ends the wait.
    func obtain(_ listener: String, for component: String) throws(ListenerRefusal) -> GrantedListener {
        do throws(ChannelError) {
            try link.report(.listenerRequest(component: component, listener: listener))
        } catch {
            throw ListenerRefusal(reason: "the supervisor cannot be asked for a listener: \(error)")
        }
        while true {
            guard let event = queue.next(until: .max) else { continue }
            switch event {
            case .command(.listenerGranted(component, listener, let addresses, let credentials), let descriptors):
                guard descriptors.count == addresses.count, !descriptors.isEmpty else {
                    throw ListenerRefusal(
                        reason: "the supervisor sent \(descriptors.count) sockets for \(addresses.count) addresses")
                }
                return GrantedListener(descriptors: descriptors, credentials: credentials)
            case .command(.listenerRefused(component, listener, let reason), _):
                throw ListenerRefusal(reason: reason)
            case .command(.stop, _), .supervisorGone, .terminate:
                // The plugin's prepare fails now, and the loop ends the worker; what ended it is looked at then.
                deferred.append(event)
                throw ListenerRefusal(reason: "the worker is being stopped")
            default:
                deferred.append(event)
            }
        }
    }
}

/// What the supervisor gave for a listener.
struct GrantedListener {
    var descriptors: [Descriptor]
    /// Where it is https.
    var credentials: TLSCredentials?
}

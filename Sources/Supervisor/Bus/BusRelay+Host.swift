import ControlProtocol

/// Services of the host's own, in the name space `host.`, which no component can serve or publish in.
extension BusRelay {
    static let hostNameSpace = "host."
    /// `get` answers what `muster status --json` prints.
    static let statusService = "host.status"

    static func isHosts(_ name: String) -> Bool { name.hasPrefix(hostNameSpace) }

    /// A call that the host answers itself: the driver is asked, and says so with `hostReplied` at once.
    mutating func ask(_ call: BusCall, _ key: CallerKey) {
        guard call.service == Self.statusService else {
            return answer(key, .refused(.unreachable("this host serves no '\(printable(call.service))'")))
        }
        guard call.method == "get" else {
            let reason = "\(Self.statusService) has no method '\(printable(call.method))', only 'get'"
            // MUSTER_UNSUPPORTED
            return answer(key, .replied(BusReply(status: 6, reason: reason)))
        }
        act(.askStatus(key))
    }

    /// The host's answer; one for a worker that is gone meanwhile is of no use to anybody.
    mutating func hostReplied(_ key: CallerKey, _ reply: BusReply) {
        guard membership.members[key.worker] != nil, !closed.contains(key.worker) else { return }
        answer(key, .replied(reply))
    }
}

import ControlProtocol
import FoundationEssentials

/// `host.status` of the bus.
extension HostDriver {
    /// The status is made at most as often: components may ask thousands of times.
    private static let busStatusPeriod: Nanoseconds = .seconds(1)

    func busStatusReply() -> BusReply {
        let now = monotonicNow()
        if let kept = busStatus, now < kept.until { return kept.reply }
        let reply = HostStatusPayload.reply(status())
        busStatus = (reply, now.after(Self.busStatusPeriod))
        return reply
    }
}

/// The host's status in the words of `muster status --json`, within what the bus carries.
enum HostStatusPayload {
    static func reply(_ status: HostStatus, limit: Int = BusLimits.payload) -> BusReply {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.nonConformingFloatEncodingStrategy = .convertToString(
                positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
            var status = status
            var bytes = try encoder.encode(status)
            for (name, leaveOut) in parts where bytes.count > limit {
                for index in status.components.indices { leaveOut(&status.components[index]) }
                status.leftOut = (status.leftOut ?? []) + [name]
                bytes = try encoder.encode(status)
            }
            guard bytes.count <= limit else {
                return BusReply(status: 1, reason: "the status of \(status.components.count) components is too large")
            }
            return BusReply(payload: bytes)
        } catch {
            return BusReply(status: 1, reason: "the status cannot be written as JSON")
        }
    }

    /// What is left out, in this order, where the whole is too large.
    private static let parts: [(String, @Sendable (inout ComponentStatus) -> Void)] = [
        ("components[].bus.droppedByTopic", { $0.bus?.droppedByTopic = [:] }),
        ("components[].message", { $0.message = nil }),
        ("components[].draining", { $0.draining = [] }),
        ("components[].listeners", { $0.listeners = [] }),
    ]
}

import MusterABI

/// The log of a component. Lines are one sentence without a secret; what varies goes into the fields. Nothing blocks:
/// under a flood the host drops lines and counts them.
public struct Log: Sendable {
    let link: HostLink

    /// How much a line matters; the names are those of swift-log.
    public enum Level: UInt32, Sendable, Comparable {
        case trace = 0, debug, info, notice, warning, error, critical

        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Writes a line; `message` and `fields` are made only where the level is written at present.
    public func write(
        _ level: Level, _ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, String>
    ) {
        guard link.canLog, level.rawValue >= link.host.logThreshold(link.host.context) else { return }
        let pairs = TextPairs(fields().map { ($0.key, $0.value) }) { muster_field(key: $0, value: $1) }
        withExtendedLifetime(pairs) {
            withABIText(message()) {
                link.host.log(link.host.context, level.rawValue, $0, pairs.pairs.baseAddress, pairs.pairs.count)
            }
        }
    }

    public func debug(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) { write(.debug, message(), fields()) }

    public func info(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) { write(.info, message(), fields()) }

    public func notice(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) { write(.notice, message(), fields()) }

    public func warning(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) { write(.warning, message(), fields()) }

    public func error(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) { write(.error, message(), fields()) }
}

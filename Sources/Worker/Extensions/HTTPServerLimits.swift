internal import ControlProtocol
internal import MusterABI
internal import Networking

/// The limits a plugin asks for; nil leaves the host's default.
struct HTTPLimitRequest: Sendable {
    var headBytes: Int?
    var headerCount: Int?
    var bodyBytes: UInt64?
    var idleTimeout: UInt64?
    var headTimeout: UInt64?
    var stallTimeout: UInt64?
    var answerTimeout: UInt64?

    init() {}

    /// Reads the plugin's structure, in which 0 stands for the default.
    init(_ limits: muster_http_limits) {
        func asked<Value: BinaryInteger>(_ value: Value) -> Value? { value == 0 ? nil : value }
        headBytes = asked(limits.head_bytes).map(Int.init)
        headerCount = asked(limits.header_count).map(Int.init)
        bodyBytes = asked(limits.body_bytes)
        idleTimeout = asked(limits.idle_timeout)
        headTimeout = asked(limits.head_timeout)
        stallTimeout = asked(limits.stall_timeout)
        answerTimeout = asked(limits.answer_timeout)
    }

    /// The host's defaults, over them what the plugin asks for, over that what the operator says.
    func applied(to plan: ListenerPlan) -> HTTPLimits {
        var limits = HTTPLimits(maxConnections: plan.maxConnections)
        func choose<Value>(_ member: WritableKeyPath<HTTPLimits, Value>, _ plugin: Value?, _ operator: Value?) {
            if let value = `operator` ?? plugin { limits[keyPath: member] = value }
        }
        func duration(_ value: Int64?) -> UInt64? { value.map { UInt64(max($0, 1)) } }
        choose(\.headBytes, headBytes, plan.headBytes)
        choose(\.headerCount, headerCount, plan.headerCount)
        choose(\.bodyBytes, bodyBytes, plan.bodyBytes.map { UInt64(max($0, 0)) })
        choose(\.idleTimeout, idleTimeout, duration(plan.idleTimeout))
        choose(\.headTimeout, headTimeout, duration(plan.headTimeout))
        choose(\.stallTimeout, stallTimeout, duration(plan.stallTimeout))
        choose(\.answerTimeout, answerTimeout, duration(plan.answerTimeout))
        return limits.bounded
    }
}

extension HTTPLimits {
    /// With durations short enough to be added to a clock without overflow: a hundred years stand for ever.
    fileprivate var bounded: HTTPLimits {
        let century: UInt64 = 100 * 365 * 86_400 * 1_000_000_000
        var limits = self
        limits.idleTimeout = min(idleTimeout, century)
        limits.headTimeout = min(headTimeout, century)
        limits.stallTimeout = min(stallTimeout, century)
        limits.answerTimeout = min(answerTimeout, century)
        return limits
    }
}

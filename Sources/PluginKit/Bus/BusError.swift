import MusterABI

/// Why nothing was published, or a call has no answer.
public struct BusError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// The manifest does not declare it, or the method, payload or timeout is not allowed.
        case invalid
        /// The operator's configuration does not allow it.
        case notAllowed
        /// A queue is full: try again later, or do less.
        case busy
        /// Nobody serves it: no component does, or it will not run before a reload, or the host stops.
        case unreachable
        /// The deadline passed.
        case timedOut
        /// The service's worker ended with the call in its hands.
        case lost
        /// The task that called was cancelled, or the component stops.
        case cancelled
        /// The service replied that it could not.
        case failed
        /// Before activate or after stop.
        case wrongState
        /// The host lacks `muster.bus/1`.
        case unsupported
    }

    public var kind: Kind
    /// A sentence for a person.
    public var reason: String
    /// What came with a reply of a service that could not.
    public var payload: [UInt8] = []

    public init(_ kind: Kind, _ reason: String, payload: [UInt8] = []) {
        self.kind = kind
        self.reason = reason
        self.payload = payload
    }

    /// Whether the service may have done what was asked: then only what may be done twice should be tried again.
    public var mayHaveBeenDone: Bool {
        switch kind {
        case .timedOut, .lost, .cancelled, .failed: true
        case .invalid, .notAllowed, .busy, .unreachable, .wrongState, .unsupported: false
        }
    }

    public var description: String { reason }
}

extension BusError {
    /// What a call of the host's answered instead of MUSTER_OK.
    init(status: muster_status, error: muster_error, doing: String) {
        let kind: Kind =
            switch status {
            case MUSTER_INVALID: .invalid
            case MUSTER_UNSUPPORTED: .notAllowed
            case MUSTER_BUSY: .busy
            case MUSTER_WRONG_STATE: .wrongState
            default: .failed
            }
        self.init(kind, PluginError(status: status, error: error, doing: doing).message)
    }

    /// How a call ended that was not answered.
    init(_ answer: muster_bus_answer, payload: [UInt8]) {
        let kind: Kind =
            switch answer.outcome {
            case MUSTER_BUS_FAILED: .failed
            case MUSTER_BUS_REFUSED: answer.status == MUSTER_BUSY ? .busy : .notAllowed
            case MUSTER_BUS_UNREACHABLE: .unreachable
            case MUSTER_BUS_TIMED_OUT: .timedOut
            case MUSTER_BUS_CANCELLED: .cancelled
            // One that is newer than this code has to be taken for the worst.
            default: .lost
            }
        let reason = answer.reason.repairedText
        self.init(kind, reason.isEmpty ? "the call was not answered" : reason, payload: payload)
    }

    static let lackingBus = BusError(.unsupported, "the host does not offer muster.bus/1, or the component has ended")
}

/// What a service's handler throws to tell the caller why not. Anything else that it throws is logged, and the caller
/// learns only that there was a failure.
public struct CallFailure: Error, Sendable, Equatable {
    /// A sentence for a person, without a secret.
    public var reason: String
    public var payload: [UInt8]

    public init(_ reason: String, payload: [UInt8] = []) {
        self.reason = reason
        self.payload = payload
    }
}

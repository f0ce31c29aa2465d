internal import CLinux

/// A set of Linux capabilities (capabilities(7)); bit n stands for capability number n.
struct CapabilitySet: Equatable {
    var bits: UInt64

    static let none = CapabilitySet(bits: 0)

    init(bits: UInt64) {
        self.bits = bits
    }

    /// The capabilities with these names.
    init(names: [String]) throws(PrivilegeFailure) {
        bits = 0
        for name in names {
            let number = clinux_capability_number(name)
            guard (0..<64).contains(number) else {
                throw PrivilegeFailure(
                    "reading the capabilities granted", "\(name) is not a capability that this host knows")
            }
            bits |= 1 << UInt64(number)
        }
    }

    /// By number: `CAP_CHOWN`, `CAP_41` where this host has no name for it.
    var names: [String] {
        (0..<64).filter { bits >> UInt64($0) & 1 == 1 }.map { number in
            clinux_capability_name(CInt(number)).map { String(cString: $0) } ?? "CAP_\(number)"
        }
    }

    func subtracting(_ other: Self) -> Self { CapabilitySet(bits: bits & ~other.bits) }
}

/// A step of the privilege drop that did not work: the worker must not go on.
struct PrivilegeFailure: Error, Equatable, CustomStringConvertible {
    /// The step, as in "emptying the bounding set".
    var step: String
    var reason: String

    init(_ step: String, _ reason: String) {
        self.step = step
        self.reason = reason
    }

    var description: String { "\(step): \(reason)" }
}

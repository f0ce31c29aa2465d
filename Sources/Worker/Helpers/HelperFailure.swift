internal import ControlProtocol
internal import Glibc

/// Why a process could not seal itself and become a helper: a sentence for the operator.
struct HelperFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }

    /// A step that failed with an errno.
    init(_ doing: String, errno number: CInt) {
        description = "\(doing): \(String(cString: strerror(number)))"
    }

    /// Names the step that failed.
    static func check(_ doing: String, _ status: CInt) throws(HelperFailure) {
        guard status >= 0 else { throw HelperFailure(doing, errno: -status) }
    }

    /// The kernel lacks what seals helpers, and nobody has said that they may start without.
    static func lacking(_ seal: HelperSeal, errno number: CInt) -> HelperFailure {
        let (missing, remedy) =
            switch seal {
            case .landlock where number == EOPNOTSUPP:
                ("Landlock is switched off in this kernel", "name 'landlock' in its 'lsm=' setting at boot")
            case .landlock: ("this kernel has no Landlock", "use Linux 5.13 or newer, built with it")
            case .seccomp: ("this kernel has no seccomp filters", "use one built with CONFIG_SECCOMP_FILTER")
            }
        return HelperFailure(
            "\(missing), without which helpers are not sealed; \(remedy), or let this component's helpers start without "
                + "it: 'helpers: {without: [\(seal.rawValue)]}'")
    }
}

import Glibc

/// A system call that failed: what was being done, to what, and the errno.
struct SystemError: Error, Equatable, CustomStringConvertible {
    var number: CInt
    /// "opening /var/lib/muster".
    var doing: String

    init(_ doing: String, number: CInt = errno) {
        self.number = number
        self.doing = doing
    }

    var description: String { "\(doing): \(Self.sentence(number))" }

    static func sentence(_ number: CInt) -> String {
        switch number {
        case ENOSPC: return "no space left on the device; free some, or move host.data_dir"
        case EDQUOT: return "the disk quota is used up"
        case EROFS: return "the file system is mounted read-only"
        default: break
        }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress, strerror_r(number, start, buffer.count) == 0 else {
                return "error \(number)"
            }
            return String(cString: start)
        }
    }
}

/// Something that cannot be had or done, as a whole sentence for the operator.
struct Refusal: Error, Equatable, CustomStringConvertible {
    var reason: String
    /// The operator's configuration is what has to change.
    var isConfiguration = false

    var description: String { reason }
}

/// Calls again while a signal interrupts; throws what else fails.
@discardableResult
func retrying<Result: SignedInteger>(
    _ doing: @autoclosure () -> String, _ call: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw SystemError(doing()) }
    }
}

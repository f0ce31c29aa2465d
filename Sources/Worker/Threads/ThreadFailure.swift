internal import Glibc

/// The system did not give what a thread needs.
struct ThreadFailure: Error, CustomStringConvertible {
    var doing: String
    var errno: CInt

    init(_ doing: String, errno: CInt) {
        self.doing = doing
        self.errno = errno
    }

    var description: String { "\(doing): \(String(cString: strerror(errno)))" }
}

internal import Glibc

/// A system call that failed.
package struct SystemFailure: Error, Hashable, Sendable {
    /// errno.
    package var code: CInt

    package init(_ code: CInt) { self.code = code }

    /// The system's words: `Permission denied`.
    package var sentence: String { String(cString: strerror(code)) }
}

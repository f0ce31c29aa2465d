internal import Glibc

/// A system call on a named file that failed.
package struct FileFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// errno: `ENOSPC` and the like.
    package var code: CInt
    /// What was being done, with the file's name: `write /var/lib/muster/root.json`.
    package var doing: String

    package init(_ code: CInt, doing: String) {
        self.code = code
        self.doing = doing
    }

    package var isMissingFile: Bool { code == ENOENT }

    /// `could not write /var/lib/muster/root.json: No space left on device`
    package var description: String { "could not \(doing): \(SystemFailure(code).sentence)" }
}

import Glibc

/// What tells one state of a file from another without reading it: whoever replaces or writes a file changes some of it.
struct FileMark: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    /// Of the contents and of the file's facts; nanoseconds.
    var modified: Int64
    var changed: Int64

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
    }
}

/// Which listeners' files have changed since they were read, and which of them are of no use. A pure value.
///
/// Files that are of no use are told about at the second look that finds them so: whoever replaces a certificate and its
/// key one after the other is not to read of a key that does not belong.
struct CredentialWatch: Sendable {
    /// How files look that could not be served with.
    private struct Unsound: Sendable {
        var marks: [FileMark?]
        var sentence: String
        var isTold = false
    }

    enum Finding: Equatable, Sendable {
        case same
        /// To be read and checked.
        case changed
        /// They are what they were when they were of no use, and nobody was told yet.
        case unsound(String)
    }

    private var unsound: [String: Unsound] = [:]

    /// - Parameters:
    ///   - listener: `Component/listener`.
    ///   - marks: of its files now.
    ///   - read: of its files when what it is served with was read.
    mutating func look(at listener: String, _ marks: [FileMark?], read: [FileMark?]) -> Finding {
        if marks == read {
            unsound[listener] = nil
            return .same
        }
        guard let known = unsound[listener], known.marks == marks else { return .changed }
        guard !known.isTold else { return .same }
        unsound[listener]?.isTold = true
        return .unsound(known.sentence)
    }

    /// They were read, and the listener cannot be served with them.
    mutating func note(unsound sentence: String, _ listener: String, _ marks: [FileMark?]) {
        unsound[listener] = Unsound(marks: marks, sentence: sentence)
    }

    /// The listener is served with what was read.
    mutating func note(sound listener: String) { unsound[listener] = nil }

    /// Forgets listeners that are no more.
    mutating func retain(_ listeners: Set<String>) { unsound = unsound.filter { listeners.contains($0.key) } }
}

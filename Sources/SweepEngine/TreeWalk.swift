internal import Files
import Glibc

/// What a walk comes to.
protocol TreeVisitor: AnyObject {
    /// Asked before each entry.
    var mayGoOn: Bool { get }
    /// A file or folder that is not to be looked at.
    func isExcluded(_ path: [UInt8]) -> Bool
    /// A regular file, as it was a moment ago.
    func visit(_ name: [UInt8], in folder: CInt, _ facts: FileFacts, path: [UInt8])
    /// What is not looked at.
    func pass(_ why: Passed, path: [UInt8])
}

enum Passed: Hashable, Sendable {
    case excluded
    /// On a file system that is not entered.
    case foreign
    case special
    case unreadable(CInt)
    /// Moved or removed while the walk was below it.
    case changed
}

/// Walks a tree by descriptors, so that no path is ever looked up twice and no link leads out of it.
///
/// Folders are a stack in memory, however deep they go; only the lowest few are open. On the way back a folder is opened
/// again as its child's `..`, and is gone on with only if it is the same one.
struct TreeWalk<Visitor: TreeVisitor> {
    private final class OpenFolder {
        let descriptor: FileDescriptor

        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    }

    private struct Level {
        var name: [UInt8]
        var identity: FileIdentity
        /// nil: closed meanwhile.
        var folder: OpenFolder?
        /// Of the path of the folder, without a slash at the end.
        var pathLength: Int
        /// Still to be entered; the next is the last.
        var folders: [[UInt8]] = []
    }

    /// Open at once: these and the first.
    private static var openLimit: Int { 32 }
    /// Entries that are read before the files among them are visited.
    private static var batchSize: Int { 8192 }

    private let visitor: Visitor
    private var levels: [Level] = []
    /// Of `levels`: a folder that is mounted into itself is not entered.
    private var above: Set<FileIdentity> = []
    private var path: [UInt8] = []

    init(_ visitor: Visitor) { self.visitor = visitor }

    /// Walks over what `root` names, a real path. Answers a sentence where there was nothing to walk over.
    mutating func run(_ root: [UInt8]) -> String? {
        path = root == [UInt8(ascii: "/")] ? [] : root
        do throws(SystemFailure) {
            let facts = try FileFacts.of(root, in: AT_FDCWD)
            guard !visitor.isExcluded(root) else {
                visitor.pass(.excluded, path: root)
                return "\(DisplayPath.text(root)): it is excluded by this machine's configuration."
            }
            let kind = try FileDescriptor.open(at: AT_FDCWD, root, FileDescriptor.onlyToName | O_NOFOLLOW).kind()
            guard kind != .pseudo else {
                visitor.pass(.foreign, path: root)
                return "\(DisplayPath.text(root)): it is on a file system of the kernel's, which holds no files."
            }
            guard facts.isFolder else {
                try walkFile(root, facts)
                return nil
            }
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
            let folder = OpenFolder(try FileDescriptor.open(at: AT_FDCWD, root, flags))
            enter(folder, name: root, try FileFacts.of(folder.descriptor.number).identity)
        } catch {
            visitor.pass(.unreadable(error.code), path: root)
            return "\(DisplayPath.text(root)): \(error.sentence)."
        }
        walk()
        return nil
    }

    private func walkFile(_ root: [UInt8], _ facts: FileFacts) throws(SystemFailure) {
        let slash = root.lastIndex(of: UInt8(ascii: "/")) ?? 0
        let folder = try FileDescriptor.open(
            at: AT_FDCWD, slash == 0 ? [UInt8(ascii: "/")] : Array(root[..<slash]), O_RDONLY | O_DIRECTORY)
        take(Array(root[(slash + 1)...]), facts, in: folder.number, path: root)
    }

    private mutating func walk() {
        while let last = levels.indices.last, visitor.mayGoOn {
            guard let name = levels[last].folders.popLast() else {
                leave()
                continue
            }
            descend(into: name, from: last)
        }
        levels = []
        above = []
    }

    // MARK: Down

    private mutating func descend(into name: [UInt8], from last: Int) {
        path.removeSubrange(levels[last].pathLength...)
        path.append(UInt8(ascii: "/"))
        path += name
        guard let parent = levels[last].folder else { return visitor.pass(.changed, path: path) }
        do throws(SystemFailure) {
            let facts = try FileFacts.of(name, in: parent.descriptor.number)
            // It was a folder when the one above was read.
            guard facts.isFolder, !above.contains(facts.identity) else { return }
            if facts.device != levels[last].identity.device {
                let flags = FileDescriptor.onlyToName | O_DIRECTORY | O_NOFOLLOW
                let kind = try FileDescriptor.open(at: parent.descriptor.number, name, flags).kind()
                guard kind == .local else { return visitor.pass(.foreign, path: path) }
            }
            let folder = OpenFolder(try FileDescriptor.openFolder(at: parent.descriptor.number, name))
            enter(folder, name: name, try FileFacts.of(folder.descriptor.number).identity)
        } catch {
            if !error.meansGone { visitor.pass(.unreadable(error.code), path: path) }
        }
    }

    /// `path` is the folder's.
    private mutating func enter(_ folder: OpenFolder, name: [UInt8], _ identity: FileIdentity) {
        guard above.insert(identity).inserted else { return }
        levels.append(Level(name: name, identity: identity, folder: folder, pathLength: path.count))
        let oldest = levels.count - 1 - Self.openLimit
        if oldest > 0 { levels[oldest].folder = nil }
        do throws(SystemFailure) {
            levels[levels.count - 1].folders = try list(folder)
        } catch {
            path.removeSubrange(levels[levels.count - 1].pathLength...)
            visitor.pass(.unreadable(error.code), path: path)
        }
    }

    /// Visits the files of a folder, and answers its folders, the first last.
    private mutating func list(_ folder: OpenFolder) throws(SystemFailure) -> [[UInt8]] {
        let listing = try FolderListing(of: folder.descriptor)
        let pathLength = path.count
        var folders: [FolderListing.Entry] = []
        var isAtEnd = false
        while !isAtEnd {
            var batch: [FolderListing.Entry] = []
            while batch.count < Self.batchSize, !isAtEnd {
                if let entry = try listing.next() {
                    if entry.type != UInt8(DT_LNK) { batch.append(entry) }
                } else {
                    isAtEnd = true
                }
            }
            // Inodes that are near each other are near each other on the disk.
            batch.sort { $0.inode < $1.inode }
            for entry in batch {
                guard visitor.mayGoOn else { return [] }
                path.removeSubrange(pathLength...)
                path.append(UInt8(ascii: "/"))
                path += entry.name
                if take(entry, in: folder.descriptor.number) { folders.append(entry) }
            }
        }
        path.removeSubrange(pathLength...)
        return folders.sorted { $0.inode > $1.inode }.map(\.name)
    }

    /// Whether it is a folder that is to be entered; `path` is the entry's.
    private func take(_ entry: FolderListing.Entry, in folder: CInt) -> Bool {
        if entry.type == UInt8(DT_DIR) {
            if visitor.isExcluded(path) {
                visitor.pass(.excluded, path: path)
                return false
            }
            return true
        }
        do throws(SystemFailure) {
            let facts = try FileFacts.of(entry.name, in: folder)
            if facts.isFolder, !visitor.isExcluded(path) { return true }
            take(entry.name, facts, in: folder, path: path)
        } catch {
            if !error.meansGone { visitor.pass(.unreadable(error.code), path: path) }
        }
        return false
    }

    private func take(_ name: [UInt8], _ facts: FileFacts, in folder: CInt, path: [UInt8]) {
        if facts.isLink { return }
        if visitor.isExcluded(path) {
            visitor.pass(.excluded, path: path)
        } else if facts.isRegular {
            visitor.visit(name, in: folder, facts, path: path)
        } else {
            visitor.pass(.special, path: path)
        }
    }

    // MARK: Up

    private mutating func leave() {
        guard let child = levels.popLast() else { return }
        above.remove(child.identity)
        guard let last = levels.indices.last, levels[last].folder == nil, !levels[last].folders.isEmpty else { return }
        levels[last].folder = reopen(last, from: child.folder)
    }

    /// Opens a folder again, from its child or from above; nil where it is not found or is another.
    private func reopen(_ index: Int, from child: OpenFolder?) -> OpenFolder? {
        let level = levels[index]
        if let child, let parent = try? FileDescriptor.openFolder(at: child.descriptor.number, Array("..".utf8)),
            (try? FileFacts.of(parent.number).identity) == level.identity
        {
            return OpenFolder(parent)
        }
        guard let nearest = levels[..<index].lastIndex(where: { $0.folder != nil }),
            var folder = levels[nearest].folder
        else { return nil }
        for level in levels[(nearest + 1)...index] {
            guard let next = try? FileDescriptor.openFolder(at: folder.descriptor.number, level.name),
                (try? FileFacts.of(next.number).identity) == level.identity
            else { return nil }
            folder = OpenFolder(next)
        }
        return folder
    }
}

extension SystemFailure {
    /// What was listed a moment ago is no more there, or is a link now: not a file that was left out.
    var meansGone: Bool { code == ENOENT || code == ELOOP || code == ENOTDIR }
}

extension FileDescriptor {
    static func openFolder(at folder: CInt, _ name: [UInt8]) throws(SystemFailure) -> FileDescriptor {
        try open(at: folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK)
    }

    func kind() throws(SystemFailure) -> FileSystemKind { try FileSystemKind.of(number) }
}

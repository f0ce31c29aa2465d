internal import Files
internal import Glibc
public import UpdateTrust

/// A folder of finished downloads, one file a target, for `muster tuf download`.
///
/// What is not finished is in a hidden folder beside it, `.NAME.partial`, so that whoever lists the downloads never sees it,
/// and a rename puts it in place. Blocks; any thread.
public struct DownloadFolder: Sendable {
    /// Absolute.
    public let path: String
    public let partialFolder: String

    private enum Limit {
        /// Bytes of a file's name (NAME_MAX of Linux's file systems).
        static let name = 255
    }

    /// Makes the folder where it is missing. Throws `storage`, and for a folder that has none beside it on its file system.
    public init(_ path: String) throws(UpdateError) {
        do throws(FileFailure) {
            try DurableFiles.makeFolders(path)
        } catch {
            throw UpdateError(.storage, "\(error)", systemError: error.code)
        }
        guard let real = realpath(path, nil) else {
            let code = errno
            throw UpdateError(.storage, "\(FileFailure(code, doing: "open the folder \(path)"))", systemError: code)
        }
        defer { free(real) }
        let whole = String(cString: real)
        let slash = whole.lastIndex(of: "/") ?? whole.startIndex
        let (above, name) = (String(whole[..<slash]), String(whole[whole.index(after: slash)...]))
        guard !name.isEmpty, Self.device(whole) == Self.device(above.isEmpty ? "/" : above) else {
            throw UpdateError(
                .storage,
                "downloads cannot be put into \(path), the top of a file system: unfinished ones would have no place "
                    + "beside it. Name a folder in it")
        }
        self.path = whole
        partialFolder = "\(above)/.\(name).partial"
    }

    /// Where a target's file is.
    ///
    /// The whole path makes one name, percent-encoded, so no path leads anywhere else: one with `..` is as safe here as any
    /// other, and what is signed is saved. A name that begins with a dot would be hidden, or be a folder, so that dot is
    /// encoded too; of a name that is too long, the end is a digest of the whole. Different paths have different names.
    /// - Throws: `unsafePath` for the empty path, `storage`.
    public func file(of target: String) throws(UpdateError) -> String {
        guard !target.isEmpty else {
            throw UpdateError(.unsafePath, "a target's path is empty: no file can be named so")
        }
        var name = RoleName.encoded(target)
        if name.hasPrefix(".") { name = "%2E" + name.dropFirst() }
        if name.utf8.count > Limit.name {
            guard let digest = FileHashes.sha256(of: Array(target.utf8)) else {
                throw UpdateError(.storage, "OpenSSL has no memory for a digest")
            }
            // No encoding has a hyphen after its percent sign.
            name = String(name.prefix(Limit.name - digest.utf8.count - 2)) + "%-" + digest
        }
        return "\(path)/\(name)"
    }

    /// Removes the folder of unfinished downloads where there are none: they are gone on with the next time.
    public func tidy() { rmdir(partialFolder) }

    private static func device(_ path: String) -> UInt64? {
        var state = stat()
        return stat(path, &state) == 0 ? UInt64(state.st_dev) : nil
    }
}

internal import Files
import Fleet
import Glibc
internal import OpenSSL

/// A folder of definitions: every `*.hsb` in it, and perhaps a file `version` that names them, one line.
///
/// It may be a link that is set anew to replace all of them at once.
public struct DefinitionsFolder: Sendable {
    public let path: String

    public init(_ path: String) { self.path = path }

    /// What tells one state of the folder from another without reading the files.
    public struct Stamp: Hashable, Sendable {
        var files: [String: FileFacts]
    }

    /// Looks at the folder. Throws `DefinitionsError` where it cannot be read. Blocks.
    public func stamp() throws(DefinitionsError) -> Stamp {
        let folder = try open()
        return try stamp(folder)
    }

    /// Reads all of it. Throws `DefinitionsError` for the first thing that is wrong. Blocks, for seconds where there are
    /// millions of signatures.
    public func load() throws(DefinitionsError) -> (engine: HashList, stamp: Stamp) {
        for _ in 0..<3 {
            let folder = try open()
            let before = try stamp(folder)
            let engine = try load(folder, before)
            // Files that are exchanged while they are read would make definitions that nobody published.
            if try stamp(folder) == before { return (engine, before) }
        }
        throw DefinitionsError(file: path, "the files are changed while they are read: put a whole folder in its place")
    }

    static let versionName = "version"
    static let fileLimit = 1000
    static let sizeLimit: Int64 = 4 << 30

    private func open() throws(DefinitionsError) -> FileDescriptor {
        do throws(SystemFailure) {
            return try FileDescriptor.open(at: AT_FDCWD, Array(path.utf8), O_RDONLY | O_DIRECTORY)
        } catch {
            throw DefinitionsError(file: path, error.sentence)
        }
    }

    private func stamp(_ folder: borrowing FileDescriptor) throws(DefinitionsError) -> Stamp {
        var files: [String: FileFacts] = [:]
        do throws(SystemFailure) {
            let names = try folder.names(upTo: 100_000) { name in
                name.suffix(4).elementsEqual(".hsb".utf8) || name.elementsEqual(Self.versionName.utf8)
            }
            for name in names {
                // One that goes away in between is seen by the second look.
                guard let facts = try? FileFacts.of(name, in: folder.number, following: true), facts.isRegular else {
                    continue
                }
                files[String(decoding: name, as: UTF8.self)] = facts
            }
        } catch {
            throw DefinitionsError(file: path, error.sentence)
        }
        guard files.count <= Self.fileLimit else {
            throw DefinitionsError(file: path, "there are more than \(Self.fileLimit) files of definitions")
        }
        return Stamp(files: files)
    }

    private func load(
        _ folder: borrowing FileDescriptor, _ stamp: Stamp
    ) throws(DefinitionsError) -> HashList {
        let names = stamp.files.keys.filter { $0 != Self.versionName }.sorted()
        guard !names.isEmpty else { throw DefinitionsError(file: path, "there is no file *.hsb in it") }
        var parser = HashListParser()
        var digests: [UInt8] = []
        for name in names {
            digests += Array(name.utf8) + [0]
            digests += try load(name, folder, &parser)
        }
        let version = try version(folder, stamp, digests)
        let newest = stamp.files.values.map(\.modified).max() ?? 0
        return HashList(
            version: version, date: Timestamp(milliseconds: newest / 1_000_000), table: parser.table())
    }

    /// Answers the digest of the file.
    private func load(
        _ name: String, _ folder: borrowing FileDescriptor, _ parser: inout HashListParser
    ) throws(DefinitionsError) -> [UInt8] {
        let file = path + "/" + name
        parser.beginFile()
        do {
            let descriptor = try FileDescriptor.open(at: folder.number, Array(name.utf8), O_RDONLY | O_NONBLOCK)
            let hash = try Digest(.sha256)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
            defer { buffer.deallocate() }
            var total: Int64 = 0
            while case let count = try descriptor.read(buffer), count > 0 {
                total += Int64(count)
                guard total <= Self.sizeLimit else {
                    throw DefinitionsError(file: file, "it is larger than \(Self.sizeLimit >> 30) GiB")
                }
                let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                try hash.add(piece)
                try parser.take(piece.bindMemory(to: UInt8.self))
            }
            try parser.end()
            return try hash.end()
        } catch let error as DefinitionsError {
            throw error
        } catch let failure as HashListParser.Failure {
            throw DefinitionsError(file: file, line: failure.line, column: failure.column, failure.reason)
        } catch let failure as SystemFailure {
            throw DefinitionsError(file: file, failure.sentence)
        } catch let failure as OpenSSLFailure {
            throw DefinitionsError(file: file, "OpenSSL could not compute a digest: \(failure.sentence)")
        } catch {
            throw DefinitionsError(file: file, "\(error)")
        }
    }

    /// The line of the file `version`; where there is none, the beginning of a digest of the content, so that the same
    /// files have the same version on every machine.
    private func version(
        _ folder: borrowing FileDescriptor, _ stamp: Stamp, _ digests: [UInt8]
    ) throws(DefinitionsError) -> String {
        let file = path + "/" + Self.versionName
        do {
            guard stamp.files[Self.versionName] != nil else {
                let hash = try Digest(.sha256)
                try hash.add(digests)
                return String(Hexadecimal.lower(try hash.end()).prefix(12))
            }
            let descriptor = try FileDescriptor.open(
                at: folder.number, Array(Self.versionName.utf8), O_RDONLY | O_NONBLOCK)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128, alignment: 1)
            defer { buffer.deallocate() }
            let count = try descriptor.read(buffer)
            let text = buffer[..<count].prefix { $0 != 10 && $0 != 13 }
            guard (1...64).contains(text.count), text.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw DefinitionsError(
                    file: file, line: 1, column: 1,
                    "it must be one line of 1 to 64 printable ASCII characters without blanks")
            }
            return String(decoding: text, as: UTF8.self)
        } catch let error as DefinitionsError {
            throw error
        } catch let failure as SystemFailure {
            throw DefinitionsError(file: file, failure.sentence)
        } catch {
            throw DefinitionsError(file: file, "\(error)")
        }
    }
}

/// Why definitions were not loaded.
public struct DefinitionsError: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1; nil: the file as a whole.
    public var line: Int?
    public var column: Int?
    public var reason: String

    init(file: String, line: Int? = nil, column: Int? = nil, _ reason: String) {
        self.file = file
        self.line = line
        self.column = column
        self.reason = reason
    }

    public var description: String {
        if let line, let column { "\(file):\(line):\(column): \(reason)" } else { "\(file): \(reason)" }
    }
}

internal import Files
import Fleet
import Glibc

/// What definitions must pass before anything is swept with them: they load whole, they find the EICAR test file, and they
/// find nothing in what is clean.
///
/// The same is asked of them where they are published and where they are activated, so that neither can be passed alone.
public enum DefinitionsTest {
    /// What was found out about definitions that passed.
    public struct Report: Codable, Hashable, Sendable {
        public var version: String
        public var signatures: Int
        /// Names of the files that were loaded, in order.
        public var files: [String]
        /// Names of files of signatures for engines that are not here: nothing is known of them.
        public var untested: [String]

        public init(version: String, signatures: Int, files: [String], untested: [String]) {
            self.version = version
            self.signatures = signatures
            self.files = files
            self.untested = untested
        }
    }

    /// Loads the folder and tries it. Blocks, for seconds where there are millions of signatures; any thread.
    ///
    /// Throws `DefinitionsError` for the first thing that is wrong.
    public static func run(_ folder: String) throws(DefinitionsError) -> Report {
        let (engine, stamp) = try DefinitionsFolder(folder).load()
        let loaded = stamp.files.keys.filter { $0 != DefinitionsFolder.versionName }.sorted()
        var lines = 0
        for name in loaded { lines += try signatureLines(of: "\(folder)/\(name)") }
        guard lines == engine.signatureCount else {
            throw DefinitionsError(
                file: folder,
                "its files have \(lines) lines of signatures, and \(engine.signatureCount) signatures were loaded: some were "
                    + "dropped without a word")
        }
        guard try threat(in: eicar, engine, folder) != nil else {
            throw DefinitionsError(
                file: folder, "they do not find the EICAR test file, so they may find nothing else either")
        }
        for content in clean {
            if let threat = try threat(in: content, engine, folder) {
                throw DefinitionsError(
                    file: folder, "they take a file of \(content.count) harmless bytes for \(threat.name)")
            }
        }
        return Report(
            version: engine.version, signatures: engine.signatureCount, files: loaded,
            untested: try untested(folder))
    }

    /// The test file of EICAR (https://www.eicar.org/download-anti-malware-testfile), 68 bytes: harmless, and found by every
    /// engine. In two parts, so that this source is not found itself.
    public static var eicar: [UInt8] {
        Array((#"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR"# + "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").utf8)
    }

    /// The empty file, and one that is nobody's.
    private static let clean: [[UInt8]] = [[], Array("This file is clean.\n".utf8)]

    /// Ends of names of signatures for engines that come later.
    private static let otherEngines = [".hdb", ".ndb", ".yar"]

    private static func threat(
        in content: [UInt8], _ engine: HashList, _ folder: String
    ) throws(DefinitionsError) -> Threat? {
        // A pipe holds far more than these: nothing is written to a disk on which another scanner would look.
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw DefinitionsError(file: folder, "no pipe: \(SystemFailure(errno).sentence)")
        }
        let reading = FileDescriptor(owning: ends[0])
        do {
            let writing = FileDescriptor(owning: ends[1])
            guard write(writing.number, content, content.count) == content.count else {
                throw DefinitionsError(file: folder, "the test could not be made: \(SystemFailure(errno).sentence)")
            }
        }
        let facts = FileFacts(
            device: 0, inode: 0, size: Int64(content.count), mode: S_IFREG | 0o600, modified: 0, changed: 0)
        do throws(JudgementFailure) {
            return try engine.judge(reading.number, facts, ReadWatch { _ in true }).threat
        } catch {
            throw DefinitionsError(file: folder, "the engine failed in its test: \(error)")
        }
    }

    /// Counted apart from the parser: lines that are neither blank nor remarks.
    private static func signatureLines(of file: String) throws(DefinitionsError) -> Int {
        do throws(SystemFailure) {
            let descriptor = try FileDescriptor.open(at: AT_FDCWD, Array(file.utf8), O_RDONLY | O_NONBLOCK)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
            defer { buffer.deallocate() }
            var counter = LineCounter()
            while case let count = try descriptor.read(buffer), count > 0 {
                counter.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            return counter.total
        } catch {
            throw DefinitionsError(file: file, error.sentence)
        }
    }

    private static func untested(_ folder: String) throws(DefinitionsError) -> [String] {
        do throws(SystemFailure) {
            let descriptor = try FileDescriptor.open(at: AT_FDCWD, Array(folder.utf8), O_RDONLY | O_DIRECTORY)
            return try descriptor.names(upTo: 10_000) { _ in true }.map { String(decoding: $0, as: UTF8.self) }
                .filter { name in otherEngines.contains { name.hasSuffix($0) } }.sorted()
        } catch {
            throw DefinitionsError(file: folder, error.sentence)
        }
    }
}

/// Lines by their first character; a carriage return before the end is none.
private struct LineCounter {
    private(set) var total = 0
    private var isAtStart = true
    private var sawReturn = false

    mutating func take(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            if byte == 10 {
                (isAtStart, sawReturn) = (true, false)
            } else if isAtStart {
                if byte == 13, !sawReturn {
                    sawReturn = true
                    continue
                }
                isAtStart = false
                if byte != UInt8(ascii: "#") { total += 1 }
            }
        }
    }
}

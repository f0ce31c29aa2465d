import Glibc
import PluginKit

/// Makes representations of files. May block: for the worker pool.
struct FileReader: Sendable {
    let folder: Folder
    /// Bytes; greater files are kept open instead of in memory.
    let smallFile: UInt64
    let cacheControl: String
    let clock: Clock
    /// Of this process alone, for tags of ambiguous states.
    private let nonce = UInt64.random(in: .min ... .max)

    init(folder: Folder, smallFile: UInt64, cacheControl: String, clock: Clock) {
        self.folder = folder
        self.smallFile = smallFile
        self.cacheControl = cacheControl
        self.clock = clock
    }

    /// The file as it is now: `known` itself, where it is unchanged. Throws `SystemError`.
    /// - Parameters:
    ///   - key: the path that it is known by.
    ///   - notModifiedBefore: seconds since 1970, see `FileAlias`.
    ///   - epoch: the cache's.
    func read(
        _ path: TargetPath.FilePath, knownBy key: [UInt8], notModifiedBefore: Int64, known: Representation?,
        epoch: UInt64
    ) throws(SystemError) -> Representation {
        let seen = (steady: clock.steady(), wall: clock.wall())
        // An ambiguous state says nothing when it is seen again.
        let expected = known.flatMap { $0.isAmbiguous ? nil : $0.state }
        switch try folder.find(path, expecting: expected) {
        case .unchanged(let state):
            // The same file, and so the representation that said what to expect.
            guard let known, known.state == state else { throw SystemError(EIO, doing: "find \(path.text)") }
            known.markSeen(at: seen.steady, in: epoch)
            return known
        case .opened(let file, let state):
            let (content, readState, isWhole) = try content(of: file, state)
            let isAmbiguous = !isWhole || readState.isAmbiguous(at: seen.wall)
            return Representation(
                path: key, name: path.names.last ?? "", state: readState, content: content,
                tag: tag(readState, isAmbiguous), cacheControl: cacheControl, isAmbiguous: isAmbiguous,
                notModifiedBefore: notModifiedBefore, seen: seen, epoch: epoch)
        }
    }

    /// The content of a small file, read between two looks at it that agree; else the file itself.
    private func content(
        of file: OpenFile, _ state: FileState
    ) throws(SystemError) -> (Representation.Content, FileState, isWhole: Bool) {
        var state = state
        for _ in 0..<3 where state.size <= smallFile {
            let bytes: [UInt8]
            // One byte more than there should be, to notice that there is more.
            do { bytes = try file.read(Int(state.size) + 1, at: 0) } catch {
                throw error as? SystemError ?? SystemError(EIO, doing: "read a file")
            }
            let after = try FileState(of: file)
            if after == state, UInt64(bytes.count) == state.size { return (.bytes(bytes), state, true) }
            state = after
        }
        return (.file(file), state, state.size > smallFile)
    }

    /// A strong tag (RFC 9110 §8.8.1). A file replaced by rename has another inode, one written in place another time of
    /// change, which no program can set back. Where the state is ambiguous, the tag is used for this one reading alone:
    /// at worst a client fetches again what it has.
    private func tag(_ state: FileState, _ isAmbiguous: Bool) -> EntityTag {
        // The inode's number is nobody's business outside, so it is mixed with what belongs to it.
        var identity = state.inode ^ (state.device &* 0x9E37_79B9_7F4A_7C15) ^ UInt64(bitPattern: state.changed)
        identity = Self.mixed(identity)
        var text = "\(Self.hex(state.size))-\(Self.hex(UInt64(bitPattern: state.modified)))-\(Self.hex(identity))"
        if isAmbiguous { text += "-\(Self.hex(nonce ^ UInt64.random(in: .min ... .max)))" }
        return EntityTag(opaque: text)
    }

    /// Spreads every bit over all (the finaliser of MurmurHash3).
    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ (value >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ (value >> 33)
    }

    private static func hex(_ number: UInt64) -> String { String(number, radix: 16) }
}

internal import CZstd
internal import Files
internal import Glibc

/// Patches that make one version of a file from another: zstd with the old file as its prefix (ZSTD_CCtx_refPrefix).
///
/// What a patch makes is not to be believed before its digest was compared with the signed one. Blocks; any thread.
public enum DeltaPatch {
    /// Bytes of either file: as far as a match reaches back (2^27, `--long=27`), and what memory is taken for.
    public static let sizeLimit: UInt64 = 128 << 20
    static let windowLog: CInt = 27
    static let level: CInt = 3

    /// Writes the patch that makes `new` from `old`. Throws `storage`, with EFBIG for a file beyond `sizeLimit`.
    public static func make(from old: String, to new: String, into patch: String) throws(UpdateError) {
        do {
            let old = try MappedFile(old, upTo: sizeLimit)
            let new = try MappedFile(new, upTo: sizeLimit)
            let output = try PatchOutput(patch)
            guard let context = ZSTD_createCCtx() else { throw FileFailure(ENOMEM, doing: "make \(patch)") }
            defer { ZSTD_freeCCtx(context) }
            for (parameter, value) in [
                (ZSTD_c_compressionLevel, level), (ZSTD_c_windowLog, windowLog),
                (ZSTD_c_enableLongDistanceMatching, 1), (ZSTD_c_checksumFlag, 1),
            ] { try check(ZSTD_CCtx_setParameter(context, parameter, value), "make", patch) }
            try check(ZSTD_CCtx_setPledgedSrcSize(context, UInt64(new.bytes.count)), "make", patch)
            try check(ZSTD_CCtx_refPrefix(context, old.bytes.baseAddress, old.bytes.count), "make", patch)
            var input = ZSTD_inBuffer(src: new.bytes.baseAddress, size: new.bytes.count, pos: 0)
            var rest = 1
            while rest > 0 {
                rest = try output.fill { buffer in
                    let rest = ZSTD_compressStream2(context, &buffer, &input, ZSTD_e_end)
                    try check(rest, "make", patch)
                    return rest
                }
            }
            try output.finish()
        } catch {
            unlink(patch)
            throw UpdateError(delta: error)
        }
    }

    /// Writes what `patch` makes of `old`.
    /// - Parameter limit: bytes that the result may have: its signed length.
    /// - Throws: `malformed` for what is no patch of this file, `tooLarge`, `storage`. Nothing is left at `new` then.
    public static func apply(
        patch: String, from old: String, into new: String, limit: UInt64
    ) throws(UpdateError) {
        do {
            let old = try MappedFile(old, upTo: sizeLimit)
            let patchFile = try MappedFile(patch, upTo: sizeLimit)
            let output = try PatchOutput(new, limit: limit)
            guard let context = ZSTD_createDCtx() else { throw FileFailure(ENOMEM, doing: "apply \(patch)") }
            defer { ZSTD_freeDCtx(context) }
            try check(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, windowLog), "apply", patch)
            try check(ZSTD_DCtx_refPrefix(context, old.bytes.baseAddress, old.bytes.count), "apply", patch)
            var input = ZSTD_inBuffer(src: patchFile.bytes.baseAddress, size: patchFile.bytes.count, pos: 0)
            var rest = 1
            while rest > 0 {
                let before = input.pos
                let (left, made) = try output.fillCounting { buffer in
                    let left = ZSTD_decompressStream(context, &buffer, &input)
                    try check(left, "apply", patch)
                    return left
                }
                rest = left
                if rest > 0, input.pos == before, made == 0 {
                    throw UpdateError(.malformed, "the delta \(patch) ends too early")
                }
            }
            guard input.pos == input.size else {
                throw UpdateError(.malformed, "there is something behind the delta in \(patch)")
            }
            try output.finish()
        } catch {
            unlink(new)
            throw UpdateError(delta: error)
        }
    }

    private static func check(_ result: Int, _ verb: String, _ path: String) throws {
        guard ZSTD_isError(result) != 0 else { return }
        if ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation {
            throw FileFailure(ENOMEM, doing: "\(verb) \(path)")
        }
        throw UpdateError(
            .malformed, "could not \(verb) the delta \(path): \(String(cString: ZSTD_getErrorName(result)))")
    }
}

extension UpdateError {
    fileprivate init(delta error: any Error) { self = error as? UpdateError ?? UpdateError(storage: error) }
}

/// A file that zstd's output goes to, piece by piece.
private final class PatchOutput {
    private let path: String
    private let file: FileDescriptor
    private let limit: UInt64
    private var written: UInt64 = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ZSTD_DStreamOutSize(), alignment: 16)

    /// - Parameter limit: bytes; more of them throw `tooLarge`.
    init(_ path: String, limit: UInt64 = .max) throws(FileFailure) {
        self.path = path
        self.limit = limit
        // A file of its own, never one that an earlier process left, which may have other names.
        unlink(path)
        file = try DurableFiles.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644, doing: "write")
    }

    deinit { buffer.deallocate() }

    func fill(_ body: (inout ZSTD_outBuffer) throws -> Int) throws -> Int { try fillCounting(body).result }

    /// What `body` answers, and how many bytes it made.
    func fillCounting(_ body: (inout ZSTD_outBuffer) throws -> Int) throws -> (result: Int, made: Int) {
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        let result = try body(&output)
        written += UInt64(output.pos)
        guard written <= limit else {
            throw UpdateError(.tooLarge, "a delta makes more than the signed \(limit) bytes of \(path)")
        }
        try DurableFiles.write(Array(buffer[..<output.pos]), to: file.number, called: path)
        return (result, output.pos)
    }

    func finish() throws(FileFailure) {
        guard fsync(file.number) == 0 else { throw FileFailure(errno, doing: "write \(path)") }
    }
}

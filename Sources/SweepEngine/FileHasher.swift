internal import Files
import Glibc
internal import OpenSSL

/// Reads a file to its end and digests it.
enum FileHasher {
    static let bufferSize = 128 << 10

    /// Stops one byte behind the size that the file had when it was opened: one that grows as fast as it is read never
    /// ends otherwise.
    static func digest(
        _ descriptor: CInt, size: Int64, _ watch: ReadWatch
    ) throws(JudgementFailure) -> [UInt8] {
        do {
            let hash = try Digest(.sha256)
            try read(descriptor, size, watch, hash)
            return try hash.end()
        } catch let failure as JudgementFailure {
            throw failure
        } catch let failure as OpenSSLFailure {
            throw .engine("OpenSSL could not compute a digest: \(failure.sentence)")
        } catch {
            throw .engine("\(error)")
        }
    }

    private static func read(
        _ descriptor: CInt, _ size: Int64, _ watch: ReadWatch, _ hash: borrowing Digest
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 16)
        defer { buffer.deallocate() }
        var total: Int64 = 0
        while true {
            let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if got < 0 {
                if errno == EINTR { continue }
                throw JudgementFailure.unreadable(errno)
            }
            if got == 0 { return }
            total += Int64(got)
            guard total <= size else { throw JudgementFailure.changed }
            try hash.add(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            try watch.read(got)
        }
    }
}

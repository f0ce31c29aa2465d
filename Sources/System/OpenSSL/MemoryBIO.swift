internal import COpenSSL
package import FoundationEssentials

/// A BIO over memory: what OpenSSL reads PEM from and writes it to (BIO_s_mem(3)).
package struct MemoryBIO: ~Copyable {
    package let raw: OpaquePointer

    package init() throws(OpenSSLFailure) { raw = try succeeding { BIO_new(BIO_s_mem()) } }

    /// Holds a copy of `bytes`.
    package init(_ bytes: Data) throws(OpenSSLFailure) {
        raw = try succeeding { () -> OpaquePointer? in
            guard let made = BIO_new(BIO_s_mem()) else { return nil }
            let written = bytes.withUnsafeBytes { BIO_write(made, $0.baseAddress, CInt(clamping: $0.count)) }
            if written == bytes.count || bytes.isEmpty { return made }
            BIO_free(made)
            return nil
        }
    }

    /// Reads `bytes` where they are: they must stay there as long as this lives.
    package init(reading bytes: UnsafeRawBufferPointer) throws(OpenSSLFailure) {
        // OpenSSL does not take NULL, not even for nothing.
        raw = try succeeding {
            guard let start = bytes.baseAddress, !bytes.isEmpty else { return BIO_new(BIO_s_mem()) }
            return BIO_new_mem_buf(start, CInt(clamping: bytes.count))
        }
    }

    deinit { BIO_free(raw) }

    /// Takes out all that was written.
    package func contents() -> Data {
        var all = Data()
        var piece = [UInt8](repeating: 0, count: 4096)
        while case let count = BIO_read(raw, &piece, CInt(piece.count)), count > 0 { all += piece.prefix(Int(count)) }
        return all
    }
}

/// Cuts a stream of bytes into frames. Pure: knows neither sockets nor descriptors.
///
/// Keeps no more than what was fed and not taken, so a header that promises a large payload costs nothing until its
/// bytes come. After an error the stream has no meaning any more, and the decoder repeats that error.
public struct FrameDecoder: Sendable {
    private var buffer: [UInt8] = []
    /// Where in `buffer` the next frame begins.
    private var start = 0
    /// Where in the stream it begins.
    public private(set) var nextOffset: UInt64 = 0
    private var failure: ChannelError?

    public init() {}

    /// Bytes fed that no frame has taken yet.
    public var pendingByteCount: Int { buffer.count - start }

    /// Adds what was received next.
    public mutating func feed(_ bytes: some Collection<UInt8>) {
        guard failure == nil else { return }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole frame, or nil until more bytes come.
    public mutating func next() throws(ChannelError) -> Frame? {
        if let failure { throw failure }
        do {
            return try take()
        } catch {
            failure = error
            buffer = []
            start = 0
            throw error
        }
    }

    private mutating func take() throws(ChannelError) -> Frame? {
        guard pendingByteCount >= FrameHeader.size else { return nil }
        let header = try FrameHeader(reading: buffer[start...])
        let size = FrameHeader.size + header.payloadLength
        guard pendingByteCount >= size else { return nil }
        let payload = Array(buffer[(start + FrameHeader.size)..<(start + size)])
        let frame = Frame(payload: payload, descriptorCount: header.descriptorCount, offset: nextOffset)
        start += size
        nextOffset += UInt64(size)
        compact()
        return frame
    }

    /// Drops what was taken, when all of it was or when it is the larger part: each byte is moved once at most on
    /// average, and a large frame's memory does not stay for ever.
    private mutating func compact() {
        if start == buffer.count {
            if buffer.capacity > 1 << 18 { buffer = [] } else { buffer.removeAll(keepingCapacity: true) }
            start = 0
        } else if start > buffer.count / 2 {
            buffer.removeFirst(start)
            start = 0
        }
    }
}

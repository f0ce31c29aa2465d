internal import FoundationEssentials

/// A message as the bytes of its frame.
public struct EncodedFrame: Sendable {
    /// Header and payload.
    public let bytes: [UInt8]
    public let descriptorCount: Int

    /// - Throws: `.tooLarge` beyond 16 MiB of JSON or 64 descriptors.
    public init(_ message: some Encodable, descriptorCount: Int = 0) throws(ChannelError) {
        let payload: Data
        do {
            payload = try JSONEncoder().encode(message)
        } catch {
            // A number that JSON cannot hold (NaN): the message's maker has not checked it.
            throw ChannelError(.malformed, "writing a message as JSON (\(error))")
        }
        let header = try FrameHeader(payloadLength: payload.count, descriptorCount: descriptorCount)
        bytes = header.bytes + payload
        self.descriptorCount = descriptorCount
    }
}

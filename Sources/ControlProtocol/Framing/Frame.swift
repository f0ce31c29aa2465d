internal import FoundationEssentials

/// A frame without its header.
public struct Frame: Equatable, Sendable {
    /// One message in JSON.
    public var payload: [UInt8]
    /// How many descriptors came with its first byte.
    public var descriptorCount: Int
    /// Where in the stream its first byte was, counted from 0.
    public var offset: UInt64

    public init(payload: [UInt8], descriptorCount: Int, offset: UInt64) {
        self.payload = payload
        self.descriptorCount = descriptorCount
        self.offset = offset
    }

    /// The message in it.
    ///
    /// The decoder's own words are left out: they may quote what the peer sent.
    public func decode<Message: Decodable>(_ type: Message.Type) throws(ChannelError) -> Message {
        do {
            return try JSONDecoder().decode(type, from: Data(payload))
        } catch {
            throw ChannelError(.malformed, "reading a \(type)")
        }
    }
}

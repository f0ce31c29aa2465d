/// The fixed beginning of every frame: 12 bytes, numbers in network order.
///
///     0  "Mus" and the version of the framing, 1
///     4  UInt32  the payload's length, 0 … 16 MiB
///     8  UInt16  how many descriptors travel with the frame's first byte, 0 … 64
///     10 UInt16  0
///
/// The payload is one message in JSON (RFC 8259).
struct FrameHeader: Equatable {
    static let size = 12
    static let maximumPayload = 16 << 20
    static let maximumDescriptors = 64
    private static let start: [UInt8] = [0x4D, 0x75, 0x73, 1]

    var payloadLength: Int
    var descriptorCount: Int

    init(payloadLength: Int, descriptorCount: Int) throws(ChannelError) {
        guard payloadLength <= Self.maximumPayload else {
            throw ChannelError(.tooLarge, "framing a message of \(payloadLength) bytes")
        }
        guard descriptorCount <= Self.maximumDescriptors else {
            throw ChannelError(.tooLarge, "framing a message with \(descriptorCount) descriptors")
        }
        self.payloadLength = payloadLength
        self.descriptorCount = descriptorCount
    }

    /// Reads a header from the first 12 of `bytes`, which there must be.
    init(reading bytes: ArraySlice<UInt8>) throws(ChannelError) {
        let doing = "reading a frame's header"
        guard bytes.count >= Self.size, bytes.starts(with: Self.start) else {
            throw ChannelError(.malformed, doing)
        }
        let numbers = bytes.dropFirst(Self.start.count)
        let length = numbers.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        let descriptors = numbers.dropFirst(4).prefix(2).reduce(0) { $0 << 8 | Int($1) }
        let reserved = numbers.dropFirst(6).prefix(2)
        guard reserved.allSatisfy({ $0 == 0 }) else { throw ChannelError(.malformed, doing) }
        guard length <= Self.maximumPayload else { throw ChannelError(.tooLarge, doing) }
        guard descriptors <= Self.maximumDescriptors else { throw ChannelError(.malformed, doing) }
        payloadLength = length
        descriptorCount = descriptors
    }

    /// The header as sent.
    var bytes: [UInt8] {
        let length = (0..<4).reversed().map { UInt8(truncatingIfNeeded: payloadLength >> ($0 * 8)) }
        let count = (0..<2).reversed().map { UInt8(truncatingIfNeeded: descriptorCount >> ($0 * 8)) }
        return Self.start + length + count + [0, 0]
    }
}

/// The descriptors that came with a stream of frames and wait for the frame they belong to.
///
/// The kernel hands out the descriptors of at most one send with each receive, and the bytes that came with them may
/// begin before the byte they were attached to. So a batch is known by the stretch of the stream it came in, and belongs
/// to the frame that begins there and announces as many. A batch that no frame can claim any more breaks the protocol:
/// otherwise a peer could fill this process's table of descriptors while it sends one endless frame.
struct DescriptorLuggage {
    private struct Batch {
        var descriptors: [Descriptor]
        var range: Range<UInt64>
    }

    private var batches: [Batch] = []

    /// How many descriptors wait.
    var count: Int { batches.reduce(0) { $0 + $1.descriptors.count } }

    /// Keeps what came with the bytes of `range`.
    mutating func add(_ descriptors: [Descriptor], range: Range<UInt64>) {
        guard !descriptors.isEmpty else { return }
        batches.append(Batch(descriptors: descriptors, range: range))
    }

    /// Hands out the batch of a frame that announced descriptors.
    mutating func claim(for frame: Frame) throws(ChannelError) -> [Descriptor] {
        guard frame.descriptorCount > 0 else { return [] }
        let index = batches.firstIndex { $0.range.contains(frame.offset) }
        guard let index, batches[index].descriptors.count == frame.descriptorCount else {
            throw ChannelError(.malformed, "reading a frame that announces \(frame.descriptorCount) descriptors")
        }
        return batches.remove(at: index).descriptors
    }

    /// Refuses what no frame can claim: the next frame begins at `offset`, and one has begun there if `isBegun`.
    func check(nextFrameAt offset: UInt64, isBegun: Bool) throws(ChannelError) {
        let isClaimable = batches.allSatisfy { $0.range.contains(offset) && isBegun }
        guard isClaimable else {
            throw ChannelError(.malformed, "reading a frame with descriptors it did not announce")
        }
    }
}

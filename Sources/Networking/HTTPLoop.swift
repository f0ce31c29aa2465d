internal import NIOCore

/// What one event loop keeps for all HTTP listeners of the process: its exchanges, its clock's text, and memory that is
/// used again and again.
final class HTTPLoop: @unchecked Sendable {
    // Sendable: `eventLoop` and `slots` are safe anywhere; everything else is touched on `eventLoop` only.

    let eventLoop: any EventLoop
    let slots: ExchangeSlots
    let date = HTTPDate()

    /// Room for one record of plaintext, for the time that it goes up the pipeline.
    var recordScratch = ByteBuffer()

    private var heads: [HTTPRequestHead] = []
    private var scratch = ByteBuffer()
    private var cipherScratch = ByteBuffer()
    private let allocator = ByteBufferAllocator()

    /// The largest buffer that is kept for the next answer.
    private static let scratchLimit = 64 << 10
    /// The same for ciphertext, which comes in larger batches.
    private static let cipherScratchLimit = 128 << 10
    private static let headLimit = 64

    init(index: Int, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        slots = ExchangeSlots(loop: index)
    }

    func takeHead() -> HTTPRequestHead { heads.popLast() ?? HTTPRequestHead() }

    func giveBack(_ head: HTTPRequestHead) {
        if heads.count < Self.headLimit { heads.append(head) }
    }

    /// An empty buffer with at least `capacity` bytes of room.
    func takeScratch(capacity: Int) -> ByteBuffer {
        var buffer = scratch
        scratch = ByteBuffer()
        // Where the kernel has not taken the former answer yet, this leaves the memory to it and allocates anew.
        buffer.clear(minimumCapacity: max(capacity, 2048))
        return buffer
    }

    func giveBack(_ buffer: ByteBuffer) {
        if buffer.capacity <= Self.scratchLimit { scratch = buffer }
    }

    /// The same for ciphertext.
    func takeCipherScratch(capacity: Int) -> ByteBuffer {
        var buffer = cipherScratch
        cipherScratch = ByteBuffer()
        buffer.clear(minimumCapacity: max(capacity, 2048))
        return buffer
    }

    func giveBackCipher(_ buffer: ByteBuffer) {
        if buffer.capacity <= Self.cipherScratchLimit { cipherScratch = buffer }
    }

    /// Carries out a call that came from another thread. Where the exchange is over by then, nothing happens.
    func post(
        _ exchange: ExchangeID, bytes: Int = 0, _ action: @escaping @Sendable (HTTPConnection) -> Void
    ) {
        eventLoop.execute {
            let connection = self.slots.slot(exchange.slot)?.pointee.state.withLock { state -> HTTPConnection? in
                guard state.generation == exchange.generation, state.phase != .free else { return nil }
                state.posted -= 1
                state.postedBytes -= bytes
                return state.connection
            }
            guard let connection else { return }
            connection.carryOut(action)
        }
    }
}

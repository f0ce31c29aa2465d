import Locks
import Synchronization

/// How far an exchange is. `ended` is answered in full, or broken off by the handler: nothing more is accepted for it.
enum ExchangePhase {
    case free, open, begun, ended
}

/// What every thread may know of an exchange.
struct ExchangeState {
    var generation: UInt64 = 0
    var phase = ExchangePhase.free
    /// Calls from other threads that the loop has not carried out yet. While there are any, calls on the loop queue up
    /// behind them, so that pieces of an answer keep their order.
    var posted = 0
    /// Bytes of those calls.
    var postedBytes = 0
    /// The connection takes no more at present.
    var isCongested = false
    /// A write was refused: `onWritable` is due.
    var awaitsRoom = false
    /// Bytes that a streamed answer still owes; `UInt64.max`: not known.
    var owed = UInt64.max
    /// Set and read on the loop only.
    var connection: HTTPConnection?
}

/// The exchanges of one event loop, found by number from any thread.
///
/// Slots live in chunks that are allocated when first needed and never freed or moved, so an old number always finds
/// memory that is a slot, whose generation then tells that the exchange is over.
final class ExchangeSlots: Sendable {
    struct Slot: ~Copyable {
        let state = Locked(ExchangeState())
    }

    static let chunkSize = 1024
    static let chunkCount = (1 << Int(ExchangeID.slotBits)) / chunkSize

    private let loop: Int
    /// Addresses of chunks; 0: not allocated yet. Written by the loop alone.
    private let chunks: Chunks
    /// Touched on the loop only.
    private let free: LoopConfined<FreeList>

    private struct Chunks: ~Copyable, @unchecked Sendable {
        // Sendable: the pointer is constant, what it names is atomic, and it is never freed.
        let addresses: UnsafeMutablePointer<Atomic<UInt>>

        init() {
            addresses = .allocate(capacity: ExchangeSlots.chunkCount)
            for index in 0..<ExchangeSlots.chunkCount { (addresses + index).initialize(to: Atomic(0)) }
        }
    }

    final class FreeList {
        var indices: [Int] = []
        var allocated = 0
    }

    init(loop: Int) {
        self.loop = loop
        chunks = Chunks()
        free = LoopConfined(FreeList())
    }

    /// The slot of that number; nil where none was ever allocated. Any thread.
    func slot(_ index: Int) -> UnsafeMutablePointer<Slot>? {
        guard index >= 0, index < Self.chunkSize * Self.chunkCount else { return nil }
        let address = chunks.addresses[index / Self.chunkSize].load(ordering: .acquiring)
        return UnsafeMutablePointer<Slot>(bitPattern: address).map { $0 + index % Self.chunkSize }
    }

    /// Opens an exchange; nil where a million are under way. Loop only.
    func open(for connection: HTTPConnection) -> ExchangeID? {
        guard let index = takeFree(), let slot = slot(index) else { return nil }
        let generation = slot.pointee.state.withLock { state in
            state.generation += 1
            state.phase = .open
            state.isCongested = false
            state.awaitsRoom = false
            state.owed = .max
            state.connection = connection
            return state.generation
        }
        return ExchangeID(loop: loop, generation: generation, slot: index)
    }

    /// Ends the exchange for all: its number answers `gone` from here on. Returns the phase it was in, nil where it had
    /// been closed before. Loop only.
    func close(_ exchange: ExchangeID) -> ExchangePhase? {
        guard let slot = slot(exchange.slot) else { return nil }
        let former = slot.pointee.state.withLock { state -> ExchangePhase? in
            guard state.generation == exchange.generation, state.phase != .free else { return nil }
            let former = state.phase
            state.phase = .free
            state.connection = nil
            state.posted = 0
            state.postedBytes = 0
            return former
        }
        if former != nil, exchange.generation < ExchangeID.maximumGeneration {
            free.value.indices.append(exchange.slot)
        }
        return former
    }

    private func takeFree() -> Int? {
        let list = free.value
        if let index = list.indices.popLast() { return index }
        let first = list.allocated
        guard first < Self.chunkSize * Self.chunkCount else { return nil }
        let chunk = UnsafeMutablePointer<Slot>.allocate(capacity: Self.chunkSize)
        for index in 0..<Self.chunkSize { (chunk + index).initialize(to: Slot()) }
        chunks.addresses[first / Self.chunkSize].store(UInt(bitPattern: chunk), ordering: .releasing)
        list.allocated += Self.chunkSize
        list.indices.append(contentsOf: (first + 1..<first + Self.chunkSize).reversed())
        return first
    }
}

/// A value that only one event loop's thread touches, held by an object that other threads share.
struct LoopConfined<Value>: @unchecked Sendable {
    // Sendable: whoever reads `value` is on the loop that the value belongs to; each use says so in its comment.
    let value: Value

    init(_ value: Value) { self.value = value }
}

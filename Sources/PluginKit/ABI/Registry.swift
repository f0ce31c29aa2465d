import Locks

/// Values that the host refers to by number while it holds a callback.
///
/// The number travels in the ABI's `void *context`. A callback that comes late, or twice, finds nothing, where a pointer
/// would find freed memory.
final class Registry<Value: Sendable>: Sendable {
    private struct State {
        var next: UInt = 1
        var values: [UInt: Value] = [:]
    }

    private let state = Locked(State())

    var count: Int { state.withLock { $0.values.count } }

    /// Keeps `value` until `remove`.
    func add(_ value: Value) -> UnsafeMutableRawPointer? {
        state.withLock { state in
            let number = state.next
            state.next &+= 1
            state.values[number] = value
            return UnsafeMutableRawPointer(bitPattern: number)
        }
    }

    func find(_ context: UnsafeMutableRawPointer?) -> Value? {
        state.withLock { $0.values[UInt(bitPattern: context)] }
    }

    @discardableResult
    func remove(_ context: UnsafeMutableRawPointer?) -> Value? {
        state.withLock { $0.values.removeValue(forKey: UInt(bitPattern: context)) }
    }
}

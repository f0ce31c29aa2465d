public import MusterABI

/// A helper that a component has asked for.
public struct FakeHelper: Sendable {
    public var number: UInt64
    public var name: String
    public var arguments: [String]
    /// The durations that its end was asked for with.
    public var ends: [UInt64] = []
    let handler: Handler

    /// What the component wants to be called.
    struct Handler: @unchecked Sendable {
        // Unchecked: a copy of what the plugin said, called from the test's thread alone.
        let table: muster_process_handler
    }
}

extension FakeHost {
    public var helpers: [FakeHelper] { state.withLock { $0.helpers } }

    /// From now on at most `count` helpers may be asked for.
    public func limitHelpers(to count: Int) { state.withLock { $0.helperRoom = count } }

    /// The helper runs; `socket` is the component's from here on.
    public func startHelper(_ number: UInt64, socket: Int32) {
        guard let table = handler(of: number) else { return }
        table.on_started?(table.context, number, socket)
    }

    public func failHelper(_ number: UInt64, _ reason: String) {
        guard let table = handler(of: number) else { return }
        let memory = TableMemory()
        table.on_failed?(table.context, number, memory.text(reason))
        withExtendedLifetime(memory) {}
    }

    public func endHelper(_ number: UInt64, _ ending: muster_process_ending, _ code: Int32) {
        guard let table = handler(of: number) else { return }
        table.on_ended?(table.context, number, ending, code)
    }

    private func handler(of number: UInt64) -> muster_process_handler? {
        state.withLock { state in state.helpers.first { $0.number == number }?.handler.table }
    }

    func makeProcess() -> UnsafeMutablePointer<muster_process> {
        let table = memory.zeroed(muster_process.self)
        table.pointee.context = context
        table.pointee.start = { context, name, arguments, count, handler, process, _ in
            let host = FakeHost.of(context)
            let name = String(name)
            let specs = UnsafeBufferPointer(
                start: host.manifest.pointee.processes, count: host.manifest.pointee.process_count)
            guard let handler, specs.contains(where: { $0.map { String($0.pointee.name) } == name }) else {
                return MUSTER_INVALID
            }
            let texts = UnsafeBufferPointer(start: arguments, count: count).map { String($0) }
            let copy = FakeHelper.Handler(table: handler.pointee)
            let number = host.state.withLock { state -> UInt64? in
                guard state.helpers.count < state.helperRoom else { return nil }
                let number = state.nextNumber
                state.nextNumber += 1
                state.helpers.append(FakeHelper(number: number, name: name, arguments: texts, handler: copy))
                return number
            }
            guard let number else { return MUSTER_BUSY }
            process?.pointee = number
            return MUSTER_OK
        }
        table.pointee.end = { context, number, grace in
            FakeHost.of(context).state.withLock { state in
                guard let index = state.helpers.firstIndex(where: { $0.number == number }) else { return MUSTER_GONE }
                state.helpers[index].ends.append(grace)
                return MUSTER_OK
            }
        }
        return table
    }
}

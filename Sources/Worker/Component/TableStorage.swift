/// A table of the ABI at an address that stays the same until this object goes.
final class TableStorage<Table> {
    let pointer: UnsafePointer<Table>
    private let memory: UnsafeMutablePointer<Table>

    init(_ table: Table) {
        memory = .allocate(capacity: 1)
        memory.initialize(to: table)
        pointer = UnsafePointer(memory)
    }

    deinit {
        memory.deinitialize(count: 1)
        memory.deallocate()
    }
}

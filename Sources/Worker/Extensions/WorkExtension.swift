internal import MusterABI

/// `muster.work/1` of one component.
final class WorkExtension: @unchecked Sendable {
    // Safe to share: the table is made in init and only read from then on, and the pool is safe by itself.
    private let pool: WorkPool
    private var storage: TableStorage<muster_work>?

    /// - Parameter poke: makes the control thread call `deliver`.
    init(poke: @escaping @Sendable () -> Void) {
        pool = WorkPool(whenFinished: poke)
        var table = muster_work()
        table.struct_size = UInt32(MemoryLayout<muster_work>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.submit = { context, item in
            guard let context else { return MUSTER_INVALID }
            return Unmanaged<WorkExtension>.fromOpaque(context).takeUnretainedValue().submit(item)
        }
        storage = TableStorage(table)
    }

    var table: UnsafePointer<muster_work>? { storage?.pointer }

    /// Calls `done` of what was finished. [control thread]
    func deliver(_ call: (() -> Void) -> Void) { pool.deliver(call) }

    /// Waits for what runs, cancels what waits, and takes no more. [control thread]
    func stop() { pool.close() }

    /// What the plugin wants to be called. The host hands the context back and does nothing else with it, so it may be
    /// moved between threads.
    private struct Callback: @unchecked Sendable {
        var run: @convention(c) (UnsafeMutableRawPointer?) -> Void
        var done: (@convention(c) (UnsafeMutableRawPointer?, UInt32) -> Void)?
        var context: UnsafeMutableRawPointer?
    }

    private func submit(_ item: UnsafePointer<muster_work_item>?) -> muster_status {
        guard let item = item?.read(atLeast: Int(MUSTER_WORK_ITEM_SIZE_1_0)), let run = item.run else {
            return MUSTER_INVALID
        }
        let callback = Callback(run: run, done: item.done, context: item.context)
        do throws(WorkPool.Refusal) {
            try pool.submit(
                WorkPool.Item(
                    run: { callback.run(callback.context) },
                    done: { isCancelled in callback.done?(callback.context, isCancelled ? 1 : 0) }))
            return MUSTER_OK
        } catch {
            return error == .busy ? MUSTER_BUSY : MUSTER_WRONG_STATE
        }
    }
}

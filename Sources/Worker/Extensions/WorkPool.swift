internal import Locks

/// A few threads for blocking work, started when there is work for them, and a bounded queue before them.
final class WorkPool: Sendable {
    /// Work to do, and what follows on the control thread: with true where it was never done.
    struct Item: Sendable {
        var run: @Sendable () -> Void
        var done: @Sendable (_ isCancelled: Bool) -> Void
    }

    enum Refusal: Error {
        /// The queue is full, or no thread could be started.
        case busy
        case closed
    }

    private struct State {
        var waiting: [Item] = []
        var finished: [Item] = []
        var threads: [WorkerThread] = []
        /// Threads that run an item now.
        var running = 0
        var isClosed = false
    }

    private let threadLimit: Int
    private let queueLimit: Int
    private let state = Locked(State())
    /// Counts the items that wait, and at the end one for each thread to end by.
    private let work = Semaphore()
    private let whenFinished: @Sendable () -> Void

    /// - Parameters:
    ///   - queueLimit: how many items may wait, those whose `done` is still to come included.
    ///   - whenFinished: called on a thread of the pool after each item: `deliver` has something to do.
    init(threadLimit: Int = 4, queueLimit: Int = 1024, whenFinished: @escaping @Sendable () -> Void) {
        self.threadLimit = threadLimit
        self.queueLimit = queueLimit
        self.whenFinished = whenFinished
    }

    /// Queues an item. [any thread]
    func submit(_ item: Item) throws(Refusal) {
        let refusal: Refusal? = state.withLock { state in
            if state.isClosed { return .closed }
            guard state.waiting.count + state.finished.count < queueLimit else { return .busy }
            let hasIdleThread = state.threads.count - state.running > state.waiting.count
            if !hasIdleThread, state.threads.count < threadLimit {
                if let thread = try? WorkerThread(name: "work", body: { [self] in serve() }) {
                    state.threads.append(thread)
                } else if state.threads.isEmpty {
                    return .busy
                }
            }
            state.waiting.append(item)
            return nil
        }
        if let refusal { throw refusal }
        work.signal()
    }

    /// Calls `done` of what was finished. [control thread]
    func deliver(_ call: (() -> Void) -> Void = { $0() }) {
        let finished = state.withLock { state in
            defer { state.finished = [] }
            return state.finished
        }
        for item in finished { call { item.done(false) } }
    }

    /// Takes no more, waits for what runs, and calls every `done` that is left: cancelled for what was never begun.
    /// [control thread; blocks as long as the running work does]
    func close() {
        let (cancelled, threads) = state.withLock { state -> ([Item], [WorkerThread]) in
            state.isClosed = true
            defer {
                state.waiting = []
                state.threads = []
            }
            return (state.waiting, state.threads)
        }
        for _ in threads { work.signal() }
        for thread in threads { thread.join() }
        deliver()
        for item in cancelled { item.done(true) }
    }

    /// One thread's life.
    private func serve() {
        while true {
            work.wait()
            let next = state.withLock { state -> Item? in
                guard !state.isClosed, !state.waiting.isEmpty else { return nil }
                state.running += 1
                return state.waiting.removeFirst()
            }
            guard let next else {
                if state.withLock({ $0.isClosed }) { return }
                continue
            }
            next.run()
            state.withLock { state in
                state.running -= 1
                state.finished.append(next)
            }
            whenFinished()
        }
    }
}

import MusterABI

extension FakeHost {
    // MARK: Work

    /// Runs all queued work, and what it queues, until there is none.
    public func runWork() {
        while let work = state.withLock({ $0.work.isEmpty ? nil : $0.work.removeFirst() }) { run(work) }
    }

    /// How many pieces of work wait.
    public var waitingWork: Int { state.withLock { $0.work.count } }

    /// Runs the first piece of waiting work alone.
    public func runOneWork() {
        if let work = state.withLock({ $0.work.isEmpty ? nil : $0.work.removeFirst() }) { run(work) }
    }

    /// Cancels all queued work, as stop does.
    public func cancelWork() {
        while let work = state.withLock({ $0.work.isEmpty ? nil : $0.work.removeFirst() }) {
            work.item.done?(work.item.context, 1)
        }
    }

    /// From now on at most `count` pieces of work may wait.
    public func limitWork(to count: Int) { state.withLock { $0.workRoom = count } }

    private func run(_ work: Work) {
        work.item.run?(work.item.context)
        work.item.done?(work.item.context, 0)
    }

    func makeWork() -> UnsafeMutablePointer<muster_work> {
        let table = memory.zeroed(muster_work.self)
        table.pointee.context = context
        table.pointee.submit = { context, item in
            guard let item, item.pointee.run != nil else { return MUSTER_INVALID }
            return FakeHost.of(context).state.withLock { state in
                guard state.work.count < state.workRoom else { return MUSTER_BUSY }
                state.work.append(Work(item: item.pointee))
                return MUSTER_OK
            }
        }
        return table
    }

    // MARK: Timers

    /// Calls every timer once; those that do not repeat are over then.
    public func fireTimers() {
        for timer in state.withLock({ $0.timers }) {
            if timer.options.interval == 0 { state.withLock { $0.timers.removeAll { $0.id == timer.id } } }
            timer.options.fire?(timer.options.context, timer.id)
        }
    }

    /// Calls a timer although it was cancelled, as a thread that was on its way would.
    public func timerCalls() -> [@Sendable () -> Void] {
        state.withLock { $0.timers }.map { timer in
            let call = TimerCall(options: timer.options, id: timer.id)
            return { call.fire() }
        }
    }

    private struct TimerCall: @unchecked Sendable {
        // Unchecked: a copy of what the plugin said may be called from the control thread; the test is that thread.
        let options: muster_timer_options
        let id: muster_timer_id

        func fire() { options.fire?(options.context, id) }
    }

    public var timerCount: Int { state.withLock { $0.timers.count } }
    /// Delay, interval and jitter of each timer, in nanoseconds.
    public var timerTimes: [[UInt64]] {
        state.withLock { $0.timers.map { [$0.options.delay, $0.options.interval, $0.options.jitter] } }
    }

    func makeTimer() -> UnsafeMutablePointer<muster_timer> {
        let table = memory.zeroed(muster_timer.self)
        table.pointee.context = context
        table.pointee.start = { context, options, id in
            guard let options, options.pointee.fire != nil else { return MUSTER_INVALID }
            let number = FakeHost.of(context).state.withLock { state in
                let number = state.nextNumber
                state.nextNumber += 1
                state.timers.append(Timer(id: number, options: options.pointee))
                return number
            }
            id?.pointee = number
            return MUSTER_OK
        }
        table.pointee.cancel = { context, id in
            FakeHost.of(context).state.withLock { state in
                let before = state.timers.count
                state.timers.removeAll { $0.id == id }
                return state.timers.count < before ? MUSTER_OK : MUSTER_GONE
            }
        }
        return table
    }

    // MARK: State

    func makeState() -> UnsafeMutablePointer<muster_state> {
        let table = memory.zeroed(muster_state.self)
        table.pointee.context = context
        table.pointee.directory = { context in
            let host = FakeHost.of(context)
            return host.memory.text(host.stateDirectory)
        }
        return table
    }

    // MARK: Raw listeners

    public func startRaw(_ listener: String) {
        guard let handler = state.withLock({ $0.rawListeners[listener] }) else { return }
        handler.pointee.start?(handler.pointee.context)
    }

    public func pauseRaw(_ listener: String) {
        guard let handler = state.withLock({ $0.rawListeners[listener] }) else { return }
        handler.pointee.pause?(handler.pointee.context)
    }

    func makeListener() -> UnsafeMutablePointer<muster_listener> {
        let table = memory.zeroed(muster_listener.self)
        table.pointee.context = context
        table.pointee.open = { context, name, handler, descriptors, capacity, count, _ in
            guard let handler, let descriptors, capacity >= 2 else { return MUSTER_INVALID }
            FakeHost.of(context).state.withLock { $0.rawListeners[String(name)] = handler }
            descriptors[0] = 100
            descriptors[1] = 101
            count?.pointee = 2
            return MUSTER_OK
        }
        return table
    }
}

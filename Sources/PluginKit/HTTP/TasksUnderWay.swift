import Glibc
import Synchronization

/// The tasks of a component's `async` handlers, so that stop can cancel them and wait for their end.
final class TasksUnderWay: @unchecked Sendable {
    // Unchecked: `tasks` and `running` are touched only under `mutex`, which together with `ended` is made by init,
    // destroyed by deinit, and otherwise only handed to pthread functions.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let ended = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var tasks: [UInt64: Task<Void, Never>] = [:]
    private var running = 0
    private var isCancelled = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(ended, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(ended)
        pthread_mutex_destroy(mutex)
        ended.deallocate()
        mutex.deallocate()
    }

    /// Starts a task under `number`; where the component stops already, it is cancelled from its start.
    func start(_ number: UInt64, _ body: @escaping @Sendable () async -> Void) {
        locked {
            running += 1
            // Its end waits for this lock, so that it is in the table before it is taken out.
            let task = Task {
                await body()
                finished(number)
            }
            tasks[number] = task
            if isCancelled { task.cancel() }
        }
    }

    func cancel(_ number: UInt64) { locked { tasks[number] }?.cancel() }

    func cancelAll() {
        let all = locked {
            isCancelled = true
            return Array(tasks.values)
        }
        for task in all { task.cancel() }
    }

    /// Waits until all have ended, and answers how many have not in time.
    func wait(seconds: Int) -> Int {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        deadline.tv_sec += seconds
        return locked {
            while running > 0 {
                if pthread_cond_timedwait(ended, mutex, &deadline) == ETIMEDOUT { break }
            }
            return running
        }
    }

    private func finished(_ number: UInt64) {
        locked {
            tasks[number] = nil
            running -= 1
            if running == 0 { pthread_cond_broadcast(ended) }
        }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}

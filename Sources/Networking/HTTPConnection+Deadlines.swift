internal import NIOCore

/// Time limits. No connection has a timer: the shard looks at each in turn.
extension HTTPConnection {
    /// Sets when the present state has lasted too long. Called whenever something has happened.
    func rearm(at now: UInt64 = coarseNow()) {
        let limits = shard.limits
        switch stage {
        case .head:
            if parser.isWithinMessage {
                deadline = headDeadline
            } else if shard.isDraining {
                deadline = now &+ limits.drainGrace
            } else {
                deadline = now &+ (hasServed ? limits.idleTimeout : limits.headTimeout)
            }
        case .body: deadline = bodyIsPaused ? awaitedAnswer : now &+ limits.stallTimeout
        case .answering: deadline = awaitedAnswer
        case .discarding: deadline = now &+ limits.stallTimeout
        case .closing, .closed: deadline = .max
        case .lingering: break
        }
    }

    /// From now on the handler has the time of the answer limit.
    func startAnswerClock(at now: UInt64 = coarseNow()) { answerDeadline = now &+ shard.limits.answerTimeout }

    /// No limit applies once the handler has begun its answer (or given it on another thread): then only the client can
    /// hold it up.
    private var awaitedAnswer: UInt64 { phase == .open ? answerDeadline : .max }

    /// Looks whether a limit has passed.
    func tick(_ now: UInt64) {
        guard stage != .closed else { return }
        if isTimeToLookAtOutput(now), outputIsStalled(now) {
            abandon(.timeout, .reset)
        } else if now >= deadline {
            expire()
        } else {
            return
        }
        settle()
    }

    private func expire() {
        switch stage {
        case .head:
            if parser.isWithinMessage {
                refuse(.slowHead, .timeout)
            } else {
                finish(.graceful)
            }
        case .body:
            refuse(bodyIsPaused ? .noAnswer : .slowBody, .timeout)
        case .answering: refuse(.noAnswer, .timeout)
        case .discarding: finish(.graceful)
        case .lingering, .closing: finish(.now)
        case .closed: break
        }
    }

    /// Eight times within the limit is often enough, and a thousand connections that are sent files take little then.
    private func isTimeToLookAtOutput(_ now: UInt64) -> Bool {
        guard now >= nextLookAtOutput else { return false }
        nextLookAtOutput = now &+ shard.limits.stallTimeout / 8
        return true
    }

    /// Whether bytes wait for the client and none has gone for the stall limit.
    private func outputIsStalled(_ now: UInt64) -> Bool {
        guard let channel else { return false }
        guard !channel.isWritable || stage == .closing || exchange != nil else {
            outputBacklog = 0
            return false
        }
        let backlog = (try? channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)) ?? 0
        guard backlog > 0 else {
            outputBacklog = 0
            return false
        }
        if backlog != outputBacklog {
            outputBacklog = backlog
            outputDeadline = now &+ shard.limits.stallTimeout
            return false
        }
        return now >= outputDeadline
    }

    /// The listener has begun to drain.
    func startDraining() {
        guard stage == .head, !parser.isWithinMessage else { return }
        deadline = coarseNow() &+ shard.limits.drainGrace
    }

    /// The drain deadline has passed, or the listener is closed for good.
    func cut(_ reason: AbortReason) {
        abandon(reason, .now)
        settle()
    }
}

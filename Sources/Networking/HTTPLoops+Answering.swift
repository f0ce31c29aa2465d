internal import Glibc
internal import NIOCore

/// Answering, from any thread. A call on the exchange's own loop acts at once; from elsewhere what it was given is copied
/// and carried out on the loop. Either way the result is decided before it returns, so of two answers one gets `.gone`.
extension HTTPLoops {
    /// The largest body of an answer in one call.
    public static let maximumBodySize = 1 << 30
    /// A streamed answer whose calls from other threads hold more than this waits for the loop.
    static let postedByteLimit = 64 << 10

    /// Answers in one call and ends the exchange; everything is copied before it returns.
    public func respond(
        _ exchange: ExchangeID, status: Int, fields: UnsafeBufferPointer<HTTPField>, body: UnsafeRawBufferPointer
    ) -> ExchangeResult {
        guard Self.isFinal(status), let size = FieldRules.size(of: fields), body.count <= Self.maximumBodySize else {
            return .invalid
        }
        guard let loop = loop(of: exchange) else { return .gone }
        switch claim(exchange, on: loop, from: .open, to: .ended) {
        case .refused(let result): return result
        case .direct(let connection):
            connection.answer(status: status, fields: .fields(fields), fieldSize: size, body: body)
        case .posted:
            let lines = Self.lines(of: fields, size: size)
            let body = ByteBuffer(bytes: body)
            loop.post(exchange) { connection in
                lines.withUnsafeReadableBytes { lines in
                    body.withUnsafeReadableBytes { body in
                        connection.answer(status: status, fields: .lines(lines), fieldSize: lines.count, body: body)
                    }
                }
            }
        }
        return .done
    }

    /// Answers with a part of a regular file and ends the exchange. `.invalid` where the file does not reach that far.
    /// The lease ends when the file was sent, or will not be.
    public func respond(
        _ exchange: ExchangeID, status: Int, fields: UnsafeBufferPointer<HTTPField>, file: FileLease
    ) -> ExchangeResult {
        guard Self.isFinal(status), let size = FieldRules.size(of: fields), file.isSound else { return .invalid }
        guard let loop = loop(of: exchange) else { return .gone }
        switch claim(exchange, on: loop, from: .open, to: .ended) {
        case .refused(let result): return result
        case .direct(let connection):
            connection.answer(status: status, fields: .fields(fields), fieldSize: size, file: file)
        case .posted:
            let lines = Self.lines(of: fields, size: size)
            loop.post(exchange) { connection in
                lines.withUnsafeReadableBytes { lines in
                    connection.answer(status: status, fields: .lines(lines), fieldSize: lines.count, file: file)
                }
            }
        }
        return .done
    }

    /// Begins a streamed answer.
    /// - Parameter length: the bytes that follow; nil where it is not known: chunked, or until close for HTTP/1.0.
    public func begin(
        _ exchange: ExchangeID, status: Int, fields: UnsafeBufferPointer<HTTPField>, length: UInt64?
    ) -> ExchangeResult {
        guard Self.isFinal(status), length != .max, let size = FieldRules.size(of: fields) else { return .invalid }
        guard let loop = loop(of: exchange) else { return .gone }
        switch claim(exchange, on: loop, from: .open, to: .begun, { $0.owed = length ?? .max }) {
        case .refused(let result): return result
        case .direct(let connection):
            connection.begin(status: status, fields: .fields(fields), fieldSize: size, length: length)
        case .posted:
            let lines = Self.lines(of: fields, size: size)
            loop.post(exchange) { connection in
                lines.withUnsafeReadableBytes { lines in
                    connection.begin(status: status, fields: .lines(lines), fieldSize: lines.count, length: length)
                }
            }
        }
        return .done
    }

    /// Sends a piece of a streamed answer; it is copied. `.busy`: nothing was taken.
    public func write(_ exchange: ExchangeID, _ bytes: UnsafeRawBufferPointer) -> ExchangeResult {
        guard bytes.count <= Self.maximumBodySize else { return .invalid }
        guard let loop = loop(of: exchange), let slot = loop.slots.slot(exchange.slot) else { return .gone }
        let isOnLoop = loop.eventLoop.inEventLoop
        let claim = slot.pointee.state.withLock { state -> Claim in
            guard state.generation == exchange.generation, state.phase != .free, state.phase != .ended else {
                return .refused(.gone)
            }
            guard state.phase == .begun else { return .refused(.wrongState) }
            if state.owed != .max, UInt64(bytes.count) > state.owed { return .refused(.invalid) }
            if state.isCongested || state.postedBytes >= Self.postedByteLimit {
                state.awaitsRoom = true
                return .refused(.busy)
            }
            if state.owed != .max { state.owed -= UInt64(bytes.count) }
            return state.take(isOnLoop: isOnLoop, bytes: bytes.count)
        }
        switch claim {
        case .refused(let result): return result
        case .direct(let connection): connection.write(bytes)
        case .posted:
            let copy = ByteBuffer(bytes: bytes)
            loop.post(exchange, bytes: bytes.count) { connection in
                copy.withUnsafeReadableBytes { connection.write($0) }
            }
        }
        return .done
    }

    /// Ends a streamed answer; short of the promised length, the connection is closed.
    public func end(_ exchange: ExchangeID) -> ExchangeResult {
        guard let loop = loop(of: exchange) else { return .gone }
        var isShort = false
        let claim = claim(exchange, on: loop, from: .begun, to: .ended) { isShort = $0.owed != 0 && $0.owed != .max }
        switch claim {
        case .refused(let result): return result
        case .direct(let connection): connection.end(isShort: isShort)
        case .posted:
            let isShort = isShort
            loop.post(exchange) { $0.end(isShort: isShort) }
        }
        return .done
    }

    /// Breaks the exchange off: the connection is reset.
    public func abort(_ exchange: ExchangeID) -> ExchangeResult {
        control(exchange, ends: true) { $0.breakOff() }
    }

    /// Stops `onBody`, and with it the client.
    public func pauseBody(_ exchange: ExchangeID) -> ExchangeResult {
        control(exchange, ends: false) { $0.setBodyPaused(true) }
    }

    /// Lets `onBody` come again.
    public func resumeBody(_ exchange: ExchangeID) -> ExchangeResult {
        control(exchange, ends: false) { $0.setBodyPaused(false) }
    }
}

extension HTTPLoops {
    enum Claim {
        case refused(ExchangeResult)
        case direct(HTTPConnection)
        case posted
    }

    /// Moves an exchange to its next phase, which one caller alone can do, and says where to go on.
    private func claim(
        _ exchange: ExchangeID, on loop: HTTPLoop, from required: ExchangePhase, to next: ExchangePhase,
        _ change: (inout ExchangeState) -> Void = { _ in }
    ) -> Claim {
        guard let slot = loop.slots.slot(exchange.slot) else { return .refused(.gone) }
        let isOnLoop = loop.eventLoop.inEventLoop
        return slot.pointee.state.withLock { state in
            guard state.generation == exchange.generation, state.phase != .free, state.phase != .ended else {
                return .refused(.gone)
            }
            guard state.phase == required else { return .refused(.wrongState) }
            state.phase = next
            change(&state)
            return state.take(isOnLoop: isOnLoop, bytes: 0)
        }
    }

    private func control(
        _ exchange: ExchangeID, ends: Bool, _ action: @escaping @Sendable (HTTPConnection) -> Void
    ) -> ExchangeResult {
        guard let loop = loop(of: exchange), let slot = loop.slots.slot(exchange.slot) else { return .gone }
        let isOnLoop = loop.eventLoop.inEventLoop
        let claim = slot.pointee.state.withLock { state -> Claim in
            guard state.generation == exchange.generation, state.phase != .free, state.phase != .ended else {
                return .refused(.gone)
            }
            if ends { state.phase = .ended }
            return state.take(isOnLoop: isOnLoop, bytes: 0)
        }
        switch claim {
        case .refused(let result): return result
        case .direct(let connection): action(connection)
        case .posted: loop.post(exchange, action)
        }
        return .done
    }

    private static func isFinal(_ status: Int) -> Bool { status >= 200 && status <= 599 }

    private static func lines(of fields: UnsafeBufferPointer<HTTPField>, size: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { memory in
            guard let start = memory.baseAddress else { return 0 }
            var writer = ResponseHeadWriter(start)
            for field in fields { writer.put(field) }
            return writer.count
        }
        return buffer
    }
}

extension ExchangeState {
    fileprivate mutating func take(isOnLoop: Bool, bytes: Int) -> HTTPLoops.Claim {
        if isOnLoop, posted == 0, let connection { return .direct(connection) }
        posted += 1
        postedBytes += bytes
        return .posted
    }
}

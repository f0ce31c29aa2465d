import Glibc
public import MusterABI

extension FakeHost {
    /// Delivers a request's head and answers the number of its exchange.
    @discardableResult
    public func send(_ request: FakeRequest, to listener: String) -> UInt64 {
        let (number, handler) = state.withLock { state in
            let number = state.nextNumber
            state.nextNumber += 1
            state.exchanges[number] = FakeExchange(
                listener: listener, isHEAD: request.method == "HEAD", room: request.room)
            return (number, state.listeners[listener])
        }
        guard let handler else { preconditionFailure("nobody serves \(listener)") }
        // The memory of a request ends with the call, so that a plugin which keeps it is found out.
        let memory = TableMemory()
        let head = memory.zeroed(muster_http_request.self)
        head.pointee.method = memory.text(request.method)
        head.pointee.target = memory.bytes(request.target)
        head.pointee.authority = memory.text("localhost")
        head.pointee.version = 11
        head.pointee.has_body = request.hasBody ? 1 : 0
        head.pointee.peer = memory.text(request.peer)
        if let identity = request.identity { head.pointee.identity = memory.identity(identity) }
        let headers = request.headers.map { muster_header(name: memory.text($0.0), value: memory.text($0.1)) }
        headers.withUnsafeBufferPointer { headers in
            head.pointee.headers = headers.baseAddress
            head.pointee.header_count = headers.count
            handler.pointee.on_request?(handler.pointee.context, number, UnsafePointer(head))
        }
        withExtendedLifetime(memory) {}
        return number
    }

    /// Calls on_request with a table of the test's own.
    public func sendRaw(_ head: UnsafePointer<muster_http_request>?, to listener: String) -> UInt64 {
        let (number, handler) = state.withLock { state in
            let number = state.nextNumber
            state.nextNumber += 1
            state.exchanges[number] = FakeExchange(listener: listener)
            return (number, state.listeners[listener])
        }
        handler?.pointee.on_request?(handler?.pointee.context, number, head)
        return number
    }

    /// Delivers a request, runs the work it causes, and answers what the component answered.
    public func exchange(_ request: FakeRequest, with listener: String) -> FakeAnswer {
        let number = send(request, to: listener)
        runWork()
        return answer(number)
    }

    public func answer(_ number: UInt64) -> FakeAnswer {
        state.withLock { $0.exchanges[number]?.answer ?? FakeAnswer() }
    }

    public func isBodyPaused(_ number: UInt64) -> Bool {
        state.withLock { $0.exchanges[number]?.isBodyPaused ?? false }
    }

    /// How often the component paused the body.
    public func pauses(_ number: UInt64) -> Int { state.withLock { $0.exchanges[number]?.pauses ?? 0 } }

    public func sendBody(_ bytes: [UInt8], _ number: UInt64) {
        guard let handler = handler(of: number) else { return }
        bytes.withUnsafeBufferPointer {
            handler.pointee.on_body?(
                handler.pointee.context, number, muster_bytes(data: $0.baseAddress, length: $0.count))
        }
    }

    public func endBody(_ number: UInt64) {
        guard let handler = handler(of: number) else { return }
        handler.pointee.on_body_end?(handler.pointee.context, number)
    }

    /// The client leaves, or something else ends the exchange.
    public func abort(_ number: UInt64, _ reason: muster_abort_reason = MUSTER_ABORT_CLIENT_GONE) {
        guard let handler = handler(of: number) else { return }
        let wasOver = state.withLock { state in
            defer { state.exchanges[number]?.answer.isAborted = true }
            return state.exchanges[number]?.isOver ?? true
        }
        if !wasOver { handler.pointee.on_abort?(handler.pointee.context, number, reason) }
    }

    /// From now on the connection of an exchange takes `bytes` more before it is full.
    public func limitRoom(_ number: UInt64, to bytes: Int) {
        state.withLock { $0.exchanges[number]?.room = bytes }
    }

    /// The connection has room for `bytes`, and the component is told.
    public func makeRoom(_ number: UInt64, for bytes: Int) {
        limitRoom(number, to: bytes)
        guard let handler = handler(of: number) else { return }
        handler.pointee.on_writable?(handler.pointee.context, number)
    }

    private func handler(of number: UInt64) -> UnsafePointer<muster_http_handler>? {
        state.withLock { state in state.exchanges[number].flatMap { state.listeners[$0.listener] } }
    }

    func makeServer() -> UnsafeMutablePointer<muster_http_server> {
        let table = memory.zeroed(muster_http_server.self)
        table.pointee.context = context
        table.pointee.serve = { context, listener, handler, _, error in
            FakeHost.of(context).serve(String(listener), handler)
        }
        table.pointee.respond = { context, number, status, headers, count, body in
            FakeHost.of(context).change(number, status, headers, count) { exchange in
                exchange.answer.body =
                    exchange.isHEAD ? [] : Array(UnsafeBufferPointer(start: body.data, count: body.length))
                exchange.answer.headers.append(("Content-Length", "\(body.length)"))
                exchange.answer.isEnded = true
            }
        }
        table.pointee.respond_file = { context, number, status, headers, count, file in
            guard let file else { return MUSTER_INVALID }
            defer { file.pointee.release?(file.pointee.context) }
            return FakeHost.of(context).change(number, status, headers, count) { exchange in
                if !exchange.isHEAD { exchange.answer.body = FakeHost.read(file.pointee) }
                exchange.answer.headers.append(("Content-Length", "\(file.pointee.length)"))
                exchange.answer.isEnded = true
            }
        }
        table.pointee.begin = { context, number, status, headers, count, length in
            FakeHost.of(context).change(number, status, headers, count) { $0.answer.promisedLength = length }
        }
        table.pointee.write = { context, number, bytes in
            FakeHost.of(context).write(number, Array(UnsafeBufferPointer(start: bytes.data, count: bytes.length)))
        }
        table.pointee.end = { context, number in
            FakeHost.of(context).open(number) { exchange in
                guard exchange.answer.status != 0 else { return MUSTER_WRONG_STATE }
                exchange.answer.isEnded = true
                return MUSTER_OK
            }
        }
        table.pointee.abort = { context, number in
            FakeHost.of(context).open(number) { exchange in
                exchange.answer.isAborted = true
                return MUSTER_OK
            }
        }
        table.pointee.pause_body = { context, number in
            FakeHost.of(context).open(number) { exchange in
                exchange.isBodyPaused = true
                exchange.pauses += 1
                return MUSTER_OK
            }
        }
        table.pointee.resume_body = { context, number in
            FakeHost.of(context).open(number) { exchange in
                exchange.isBodyPaused = false
                return MUSTER_OK
            }
        }
        return table
    }

    private func serve(_ listener: String, _ handler: UnsafePointer<muster_http_handler>?) -> muster_status {
        let specs = UnsafeBufferPointer(start: manifest.pointee.listeners, count: manifest.pointee.listener_count)
        guard let handler, specs.contains(where: { $0.map { String($0.pointee.name) } == listener }) else {
            return MUSTER_INVALID
        }
        return state.withLock { state in
            guard state.listeners[listener] == nil else { return MUSTER_WRONG_STATE }
            state.listeners[listener] = handler
            return MUSTER_OK
        }
    }

    /// Runs `body` on an exchange that is not over.
    private func open(_ number: UInt64, _ body: (inout FakeExchange) -> muster_status) -> muster_status {
        state.withLock { state in
            guard var exchange = state.exchanges[number], !exchange.isOver else { return MUSTER_GONE }
            defer { state.exchanges[number] = exchange }
            return body(&exchange)
        }
    }

    /// Begins an answer, with a host's checks of its status and fields.
    private func change(
        _ number: UInt64, _ status: UInt32, _ headers: UnsafePointer<muster_header>?, _ count: Int,
        _ body: (inout FakeExchange) -> Void
    ) -> muster_status {
        let fields = UnsafeBufferPointer(start: headers, count: count).map {
            (name: String($0.name), value: String($0.value))
        }
        let reserved = ["date", "connection", "content-length", "transfer-encoding"]
        return open(number) { exchange in
            guard exchange.answer.status == 0 else { return MUSTER_WRONG_STATE }
            let isValid = fields.allSatisfy { field in
                !field.name.isEmpty && !reserved.contains(field.name.lowercased())
                    && !(field.name + field.value).utf8.contains { $0 < 0x20 && $0 != 9 || $0 == 0x7F }
            }
            guard isValid, 200...599 ~= status else { return MUSTER_INVALID }
            exchange.answer.status = status
            exchange.answer.headers = fields
            body(&exchange)
            return MUSTER_OK
        }
    }

    private func write(_ number: UInt64, _ bytes: [UInt8]) -> muster_status {
        open(number) { exchange in
            guard let promised = exchange.answer.promisedLength else { return MUSTER_WRONG_STATE }
            guard UInt64(exchange.answer.body.count + bytes.count) <= promised else { return MUSTER_INVALID }
            if let room = exchange.room {
                // Like a socket: a write is taken whole while there is any room.
                guard room > 0 else { return MUSTER_BUSY }
                exchange.room = room - bytes.count
            }
            exchange.answer.body += bytes
            return MUSTER_OK
        }
    }

    /// What the kernel would send of a file: short where it is.
    private static func read(_ file: muster_file) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(file.length))
        let got = bytes.withUnsafeMutableBytes { pread(file.descriptor, $0.baseAddress, $0.count, off_t(file.offset)) }
        return Array(bytes.prefix(max(0, got)))
    }
}

extension FakeHost {
    /// The table that the component gave for `listener`.
    public func handler(_ listener: String) -> UnsafePointer<muster_http_handler>? {
        state.withLock { $0.listeners[listener] }
    }
}

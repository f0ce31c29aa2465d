internal import ControlProtocol
internal import FoundationEssentials
internal import MusterABI
internal import PluginManifest

/// What the plugin calls: each argument is checked before it is used.
extension BusExtension {
    func makeTable() -> muster_bus {
        var table = muster_bus()
        table.struct_size = UInt32(MemoryLayout<muster_bus>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        // Unretained: the table ends with this object.
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.publish = { context, topic, payload, error in
            BusExtension.at(context)?.publish(topic, payload, error) ?? MUSTER_INVALID
        }
        table.subscribe = { context, topic, subscriber, error in
            BusExtension.at(context)?.subscribe(topic, subscriber, error) ?? MUSTER_INVALID
        }
        table.serve = { context, service, server, error in
            BusExtension.at(context)?.serve(service, server, error) ?? MUSTER_INVALID
        }
        table.call = { context, options, call, error in
            BusExtension.at(context)?.call(options, call, error) ?? MUSTER_INVALID
        }
        table.cancel = { context, call in BusExtension.at(context)?.cancel(call) ?? MUSTER_INVALID }
        table.reply = { context, call, status, payload, reason in
            BusExtension.at(context)?.reply(call, status, payload, reason) ?? MUSTER_INVALID
        }
        return table
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> BusExtension? {
        context.map { Unmanaged<BusExtension>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Why a call of the plugin's is answered otherwise than with MUSTER_OK.
    private struct Refusal: Error {
        var status: muster_status
        var reason: String

        init(_ status: muster_status, _ reason: String) {
            self.status = status
            self.reason = reason
        }
    }

    /// Runs `body`, and turns what it throws into a status and a reason.
    private func answer(
        _ error: UnsafeMutablePointer<muster_error>?, _ body: () throws(Refusal) -> Void
    ) -> muster_status {
        do throws(Refusal) {
            try body()
            return MUSTER_OK
        } catch let refusal {
            ErrorMessage.write(refusal.reason, to: error)
            return refusal.status
        }
    }

    // MARK: Topics

    private func publish(
        _ topic: muster_string, _ payload: muster_bytes, _ error: UnsafeMutablePointer<muster_error>?
    ) -> muster_status {
        answer(error) { () throws(Refusal) in
            let topic = try name(topic, as: .publishes)
            let payload = try data(payload)
            try speak(topic)
            let isSent =
                isWithinRate()
                && link.send(
                    .publish(topic: topic, payload: payload), of: component, limit: BusLimits.outgoingBytes)
            guard isSent else {
                gate.countDropped(topic, of: component)
                throw Refusal(MUSTER_BUSY, "the bus has no room for a message of '\(topic)': it is dropped")
            }
        }
    }

    private func subscribe(
        _ topic: muster_string, _ subscriber: UnsafePointer<muster_bus_subscriber>?,
        _ error: UnsafeMutablePointer<muster_error>?
    ) -> muster_status {
        answer(error) { () throws(Refusal) in
            try checkPreparing("topics are subscribed to")
            let topic = try name(topic, as: .subscribes)
            guard let subscriber = subscriber?.read(atLeast: Int(MUSTER_BUS_SUBSCRIBER_SIZE_1_0)),
                let onMessage = subscriber.on_message
            else {
                throw Refusal(MUSTER_INVALID, "the subscriber of '\(topic)' is NULL, too small, or lacks on_message")
            }
            let entry = Subscriber(onMessage: onMessage, context: subscriber.context)
            let isNew = state.withLock { state in
                guard state.subscribers[topic] == nil else { return false }
                state.subscribers[topic] = entry
                return true
            }
            guard isNew else { throw Refusal(MUSTER_WRONG_STATE, "'\(topic)' is subscribed to already") }
        }
    }

    // MARK: Services

    private func serve(
        _ service: muster_string, _ server: UnsafePointer<muster_bus_server>?,
        _ error: UnsafeMutablePointer<muster_error>?
    ) -> muster_status {
        answer(error) { () throws(Refusal) in
            try checkPreparing("services are served")
            let service = try name(service, as: .serves)
            guard let server = server?.read(atLeast: Int(MUSTER_BUS_SERVER_SIZE_1_0)), let onCall = server.on_call
            else {
                throw Refusal(MUSTER_INVALID, "the server of '\(service)' is NULL, too small, or lacks on_call")
            }
            let entry = Server(onCall: onCall, context: server.context)
            let isNew = state.withLock { state in
                guard state.servers[service] == nil else { return false }
                state.servers[service] = entry
                return true
            }
            guard isNew else { throw Refusal(MUSTER_WRONG_STATE, "'\(service)' is served already") }
        }
    }

    private func call(
        _ options: UnsafePointer<muster_bus_call_options>?, _ number: UnsafeMutablePointer<muster_bus_call>?,
        _ error: UnsafeMutablePointer<muster_error>?
    ) -> muster_status {
        answer(error) { () throws(Refusal) in
            guard let options = options?.read(atLeast: Int(MUSTER_BUS_CALL_OPTIONS_SIZE_1_0)),
                let onReply = options.on_reply
            else { throw Refusal(MUSTER_INVALID, "the call's options are NULL, too small, or lack on_reply") }
            let service = try name(options.service, as: .calls)
            guard let method = options.method.text(limit: BusLimits.name), !method.isEmpty,
                method == method.escapingControls
            else {
                throw Refusal(MUSTER_INVALID, "the method is not one line of 1 to \(BusLimits.name) bytes in UTF-8")
            }
            guard (1...BusLimits.timeout).contains(options.timeout) else {
                throw Refusal(MUSTER_INVALID, "the timeout of \(options.timeout) ns is not from 1 ns to 1 h")
            }
            let payload = try data(options.payload)
            try speak(service)
            guard isWithinRate() else {
                throw Refusal(
                    MUSTER_BUSY, "\(component) sends more than \(BusLimits.messagesPerSecond) messages in a second")
            }
            let caller = Caller(onReply: onReply, context: options.context)
            let deadline = MonotonicTime.after(MonotonicTime.now, options.timeout)
            try begin(caller, number) { id in
                .call(BusCall(id: id, service: service, method: method, payload: payload, deadline: deadline))
            }
        }
    }

    /// Notes a call before it is sent, since its answer may be quicker than this thread.
    private func begin(
        _ caller: Caller, _ number: UnsafeMutablePointer<muster_bus_call>?, _ report: (UInt64) -> BusReport
    ) throws(Refusal) {
        let id = state.withLock { state -> muster_bus_call? in
            guard state.phase == .open, state.made.count < BusLimits.calls else { return nil }
            state.lastCall += 1
            state.made[state.lastCall] = caller
            return state.lastCall
        }
        guard let id else {
            throw Refusal(MUSTER_BUSY, "\(component) has \(BusLimits.calls) calls under way, or stops")
        }
        number?.pointee = id
        if link.send(report(id), of: component, limit: BusLimits.outgoingBytes) { return }
        // Where stop was quicker, on_reply has been called: the call was made, and has ended.
        guard state.withLock({ $0.made.removeValue(forKey: id) }) != nil else { return }
        throw Refusal(MUSTER_BUSY, "the bus has no room for a call now")
    }

    private func cancel(_ call: muster_bus_call) -> muster_status {
        let isCancelled = state.withLock { state in
            guard let caller = state.made.removeValue(forKey: call) else { return false }
            state.cancelled.append((call, caller))
            return true
        }
        guard isCancelled else { return MUSTER_GONE }
        // Without room the supervisor keeps it to its deadline, and what it answers is passed over.
        _ = link.send(.cancel(id: call), of: component, limit: BusLimits.outgoingReplyBytes)
        poke()
        return MUSTER_OK
    }

    private func reply(
        _ call: muster_bus_call, _ status: muster_status, _ payload: muster_bytes, _ reason: muster_string
    ) -> muster_status {
        answer(nil) { () throws(Refusal) in
            let payload = try data(payload)
            let deadline = try takeGiven(call)
            let text = status == MUSTER_OK ? "" : reason.repairedText(limit: BusLimits.reason - 4).escapingControls
            let reply = BusReply(status: status, reason: String(text.prefix(bytes: BusLimits.reason)), payload: payload)
            let isSent = link.send(.reply(number: call, reply), of: component, limit: BusLimits.outgoingReplyBytes)
            guard isSent else {
                state.withLock { if $0.phase == .open { $0.given[call] = deadline } }
                throw Refusal(MUSTER_BUSY, "the bus has no room for a reply now")
            }
            // A drain may have waited for this one.
            if state.withLock({ $0.whenDrained != nil }) { poke() }
        }
    }

    private func takeGiven(_ call: muster_bus_call) throws(Refusal) -> UInt64 {
        let (phase, deadline) = state.withLock { ($0.phase, $0.given.removeValue(forKey: call)) }
        guard phase == .open else { throw Refusal(MUSTER_WRONG_STATE, "the component has stopped") }
        guard let deadline, deadline > MonotonicTime.now else { throw Refusal(MUSTER_GONE, "the call has ended") }
        return deadline
    }

    // MARK: Arguments

    /// A name that the manifest declares in this role.
    private func name(_ name: muster_string, as role: BusDeclaration.Role) throws(Refusal) -> String {
        guard let text = name.text(limit: BusLimits.name), text.utf8.allSatisfy({ $0 < 0x80 }),
            state.withLock({ $0.plan.declares(role, text) })
        else {
            let shown = name.repairedText(limit: BusLimits.name).escapingControls
            throw Refusal(MUSTER_INVALID, "the manifest does not say that \(component) \(role.rawValue) '\(shown)'")
        }
        return text
    }

    private func data(_ bytes: muster_bytes) throws(Refusal) -> Data {
        guard bytes.length != 0 else { return Data() }
        guard UInt(bitPattern: bytes.length) <= UInt(BusLimits.payload) else {
            throw Refusal(
                MUSTER_INVALID,
                "the payload has \(UInt(bitPattern: bytes.length)) bytes; \(BusLimits.payload) are allowed: hand over a file's "
                    + "path, or send it in parts")
        }
        guard let start = bytes.data else {
            throw Refusal(MUSTER_INVALID, "the payload is NULL, and its length is \(bytes.length)")
        }
        return Data(UnsafeBufferPointer(start: start, count: bytes.length))
    }

    /// Whether the component may speak now, and under this name.
    private func speak(_ name: String) throws(Refusal) {
        let (phase, isDenied) = state.withLock { ($0.phase, $0.plan.denied.contains(name)) }
        switch phase {
        case .closed: throw Refusal(MUSTER_WRONG_STATE, "nothing is said on the bus before activate")
        case .stopped: throw Refusal(MUSTER_WRONG_STATE, "the component has stopped")
        case .open: break
        }
        if isDenied {
            throw Refusal(MUSTER_UNSUPPORTED, "the configuration takes '\(name)' from \(component) (its 'bus: deny')")
        }
    }

    private func isWithinRate() -> Bool {
        let now = MonotonicTime.now
        return state.withLock { $0.rate.allows(at: now) }
    }

    private func checkPreparing(_ what: String) throws(Refusal) {
        guard isPreparing() else { throw Refusal(MUSTER_WRONG_STATE, "\(what) on the control thread, in prepare") }
    }
}

extension String {
    /// Cut between characters to at most `count` bytes.
    fileprivate func prefix(bytes count: Int) -> Substring {
        guard utf8.count > count else { return self[...] }
        var end = startIndex
        var length = 0
        for character in self {
            length += character.utf8.count
            guard length <= count else { break }
            end = index(after: end)
        }
        return self[..<end]
    }
}

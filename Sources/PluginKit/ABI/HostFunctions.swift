import MusterABI

/// `muster_host`, release 1.0.
struct HostFunctions {
    let context: UnsafeMutableRawPointer?
    let getExtension: @convention(c) (UnsafeMutableRawPointer?, muster_string) -> UnsafeRawPointer?
    let log:
        @convention(c) (
            UnsafeMutableRawPointer?, muster_log_level, muster_string, UnsafePointer<muster_field>?, Int
        ) -> Void
    let logThreshold: @convention(c) (UnsafeMutableRawPointer?) -> muster_log_level
    let facts: @convention(c) (UnsafeMutableRawPointer?) -> UnsafePointer<muster_host_facts>?
    let fail: @convention(c) (UnsafeMutableRawPointer?, muster_string) -> Void

    init?(_ table: UnsafePointer<muster_host>) {
        guard let getExtension = table.pointee.get_extension, let log = table.pointee.log,
            let logThreshold = table.pointee.log_threshold, let facts = table.pointee.facts,
            let fail = table.pointee.fail
        else { return nil }
        context = table.pointee.context
        self.getExtension = getExtension
        self.log = log
        self.logThreshold = logThreshold
        self.facts = facts
        self.fail = fail
    }

    /// The table of an extension; nil where the host lacks it or it is shorter than release 1.0.
    func extensionTable<Table>(_ id: String, _ type: Table.Type, _ size: Int32) -> UnsafePointer<Table>? {
        let table = withABIText(id) { getExtension(context, $0) }
        guard isUsable(table, size: size) else { return nil }
        return table?.assumingMemoryBound(to: Table.self)
    }
}

/// `muster_http_server`, release 1.0.
struct ServerFunctions {
    typealias Context = UnsafeMutableRawPointer?
    typealias Headers = UnsafePointer<muster_header>?

    let context: Context
    let serve:
        @convention(c) (
            Context, muster_string, UnsafePointer<muster_http_handler>?, UnsafePointer<muster_http_limits>?,
            UnsafeMutablePointer<muster_error>?
        ) -> muster_status
    let respond: @convention(c) (Context, muster_exchange, UInt32, Headers, Int, muster_bytes) -> muster_status
    let respondFile:
        @convention(c) (Context, muster_exchange, UInt32, Headers, Int, UnsafePointer<muster_file>?) -> muster_status
    let begin: @convention(c) (Context, muster_exchange, UInt32, Headers, Int, UInt64) -> muster_status
    let write: @convention(c) (Context, muster_exchange, muster_bytes) -> muster_status
    let end: @convention(c) (Context, muster_exchange) -> muster_status
    let abort: @convention(c) (Context, muster_exchange) -> muster_status
    let pauseBody: @convention(c) (Context, muster_exchange) -> muster_status
    let resumeBody: @convention(c) (Context, muster_exchange) -> muster_status

    init?(_ table: UnsafePointer<muster_http_server>) {
        guard let serve = table.pointee.serve, let respond = table.pointee.respond,
            let respondFile = table.pointee.respond_file, let begin = table.pointee.begin,
            let write = table.pointee.write, let end = table.pointee.end, let abort = table.pointee.abort,
            let pauseBody = table.pointee.pause_body, let resumeBody = table.pointee.resume_body
        else { return nil }
        context = table.pointee.context
        self.serve = serve
        self.respond = respond
        self.respondFile = respondFile
        self.begin = begin
        self.write = write
        self.end = end
        self.abort = abort
        self.pauseBody = pauseBody
        self.resumeBody = resumeBody
    }
}

/// `muster_timer`, release 1.0.
struct TimerFunctions {
    let context: UnsafeMutableRawPointer?
    let start:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<muster_timer_options>?, UnsafeMutablePointer<muster_timer_id>?
        ) -> muster_status
    let cancel: @convention(c) (UnsafeMutableRawPointer?, muster_timer_id) -> muster_status

    init?(_ table: UnsafePointer<muster_timer>) {
        guard let start = table.pointee.start, let cancel = table.pointee.cancel else { return nil }
        context = table.pointee.context
        self.start = start
        self.cancel = cancel
    }
}

/// `muster_work`, release 1.0.
struct WorkFunctions {
    let context: UnsafeMutableRawPointer?
    let submit: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<muster_work_item>?) -> muster_status

    init?(_ table: UnsafePointer<muster_work>) {
        guard let submit = table.pointee.submit else { return nil }
        context = table.pointee.context
        self.submit = submit
    }
}

/// `muster_bus`, release 1.0.
struct BusFunctions {
    typealias Context = UnsafeMutableRawPointer?
    typealias Reason = UnsafeMutablePointer<muster_error>?

    let context: Context
    let publish: @convention(c) (Context, muster_string, muster_bytes, Reason) -> muster_status
    let subscribe:
        @convention(c) (Context, muster_string, UnsafePointer<muster_bus_subscriber>?, Reason) -> muster_status
    let serve: @convention(c) (Context, muster_string, UnsafePointer<muster_bus_server>?, Reason) -> muster_status
    let call:
        @convention(c) (
            Context, UnsafePointer<muster_bus_call_options>?, UnsafeMutablePointer<muster_bus_call>?, Reason
        ) -> muster_status
    let cancel: @convention(c) (Context, muster_bus_call) -> muster_status
    let reply: @convention(c) (Context, muster_bus_call, muster_status, muster_bytes, muster_string) -> muster_status

    init?(_ table: UnsafePointer<muster_bus>) {
        guard let publish = table.pointee.publish, let subscribe = table.pointee.subscribe,
            let serve = table.pointee.serve, let call = table.pointee.call, let cancel = table.pointee.cancel,
            let reply = table.pointee.reply
        else { return nil }
        context = table.pointee.context
        self.publish = publish
        self.subscribe = subscribe
        self.serve = serve
        self.call = call
        self.cancel = cancel
        self.reply = reply
    }
}

/// `muster_process`, release 1.0.
struct ProcessFunctions {
    let context: UnsafeMutableRawPointer?
    let start:
        @convention(c) (
            UnsafeMutableRawPointer?, muster_string, UnsafePointer<muster_string>?, Int,
            UnsafePointer<muster_process_handler>?, UnsafeMutablePointer<muster_process_id>?,
            UnsafeMutablePointer<muster_error>?
        ) -> muster_status
    let end: @convention(c) (UnsafeMutableRawPointer?, muster_process_id, UInt64) -> muster_status

    init?(_ table: UnsafePointer<muster_process>) {
        guard let start = table.pointee.start, let end = table.pointee.end else { return nil }
        context = table.pointee.context
        self.start = start
        self.end = end
    }
}

/// `muster_state`, release 1.0.
struct StateFunctions {
    let context: UnsafeMutableRawPointer?
    let directory: @convention(c) (UnsafeMutableRawPointer?) -> muster_string

    init?(_ table: UnsafePointer<muster_state>) {
        guard let directory = table.pointee.directory else { return nil }
        context = table.pointee.context
        self.directory = directory
    }
}

/// `muster_listener`, release 1.0.
struct ListenerFunctions {
    let context: UnsafeMutableRawPointer?
    let open:
        @convention(c) (
            UnsafeMutableRawPointer?, muster_string, UnsafePointer<muster_listener_handler>?,
            UnsafeMutablePointer<Int32>?, Int, UnsafeMutablePointer<Int>?, UnsafeMutablePointer<muster_error>?
        ) -> muster_status

    init?(_ table: UnsafePointer<muster_listener>) {
        guard let open = table.pointee.open else { return nil }
        context = table.pointee.context
        self.open = open
    }
}

/// `muster_metrics`, release 1.0.
struct MetricsFunctions {
    typealias Context = UnsafeMutableRawPointer?

    let context: Context
    let define:
        @convention(c) (
            Context, UnsafePointer<muster_metric_spec>?, UnsafeMutablePointer<muster_metric_id>?,
            UnsafeMutablePointer<muster_error>?
        ) -> muster_status
    let series:
        @convention(c) (
            Context, muster_metric_id, UnsafePointer<muster_string>?, Int, UnsafeMutablePointer<muster_series_id>?
        ) -> muster_status
    let add: @convention(c) (Context, muster_series_id, Double) -> muster_status
    let set: @convention(c) (Context, muster_series_id, Double) -> muster_status
    let observe: @convention(c) (Context, muster_series_id, Double) -> muster_status

    init?(_ table: UnsafePointer<muster_metrics>) {
        guard let define = table.pointee.define, let series = table.pointee.series, let add = table.pointee.add,
            let set = table.pointee.set, let observe = table.pointee.observe
        else { return nil }
        context = table.pointee.context
        self.define = define
        self.series = series
        self.add = add
        self.set = set
        self.observe = observe
    }
}

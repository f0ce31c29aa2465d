internal import ControlProtocol
internal import Locks
internal import MusterABI
internal import PluginManifest

/// The component behind `host.metrics`, over the same tables as a plugin: it serves its listener through
/// `muster.http-server/1`, asks the supervisor for a snapshot for each scrape, and writes the text itself.
///
/// Requests come on the loops, the lifecycle, timers and snapshots on the control thread.
final class MetricsEndpoint: @unchecked Sendable {
    // Safe to share: the host's tables are set in create, before any request comes; the rest is behind a lock or is
    // constant.

    /// An exchange that waits for a snapshot.
    private struct Scrape {
        var exchange: muster_exchange
        var format: ExpositionFormat
    }

    private let ask: @Sendable (_ number: UInt64) -> Void
    private let questions = Locked(SnapshotQuestions<Scrape>())
    /// Clashes that were logged. Control thread only.
    private var knownClashes: Set<MetricsPage.Clash> = []
    private var host: UnsafePointer<muster_host>?
    private var server: UnsafePointer<muster_http_server>?
    private var timer: UnsafePointer<muster_timer>?
    private var handler: TableStorage<muster_http_handler>?
    private var component: TableStorage<muster_component>?
    private let listener = StableText(BuiltInComponent.metrics.listener.name)

    /// - Parameter ask: asks the supervisor for a snapshot; from any thread.
    init(ask: @escaping @Sendable (_ number: UInt64) -> Void) {
        self.ask = ask
        handler = TableStorage(makeHandler())
        component = TableStorage(makeComponent())
    }

    /// What a plugin's library would be read as.
    var reading: ManifestReader.Reading {
        ManifestReader.Reading(
            manifest: BuiltInComponent.metrics.manifest(version: HostVersion.current),
            create: { context, host, component, _ in
                guard let endpoint = MetricsEndpoint.at(context), let host else { return MUSTER_INVALID }
                component?.pointee = endpoint.component?.pointer
                return endpoint.create(host)
            },
            context: Unmanaged.passUnretained(self).toOpaque())
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> MetricsEndpoint? {
        context.map { Unmanaged<MetricsEndpoint>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: The lifecycle

    private func makeComponent() -> muster_component {
        var table = muster_component()
        table.struct_size = UInt32(MemoryLayout<muster_component>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.get_extension = { _, _ in nil }
        table.prepare = { context, _, error in MetricsEndpoint.at(context)?.prepare(error) ?? MUSTER_INVALID }
        table.activate = { context, _, _ in MetricsEndpoint.at(context)?.activate() ?? MUSTER_INVALID }
        // Nothing is exclusive, and scrapes are short.
        table.quiesce = { _, _, _ in MUSTER_OK }
        table.release = { _, _, _ in MUSTER_OK }
        table.stop = { _ in }
        table.destroy = { _ in }
        return table
    }

    private func create(_ host: UnsafePointer<muster_host>) -> muster_status {
        self.host = host
        server = find(MUSTER_EXT_HTTP_SERVER)?.assumingMemoryBound(to: muster_http_server.self)
        timer = find(MUSTER_EXT_TIMER)?.assumingMemoryBound(to: muster_timer.self)
        return server == nil || timer == nil ? MUSTER_UNSUPPORTED : MUSTER_OK
    }

    private func find(_ id: String) -> UnsafeRawPointer? {
        let id = StableText(id)
        defer { withExtendedLifetime(id) {} }
        return host?.pointee.get_extension?(host?.pointee.context, id.value)
    }

    private func prepare(_ error: UnsafeMutablePointer<muster_error>?) -> muster_status {
        guard let server, let handler else { return MUSTER_UNSUPPORTED }
        return server.pointee.serve?(server.pointee.context, listener.value, handler.pointer, nil, error)
            ?? MUSTER_UNSUPPORTED
    }

    private func activate() -> muster_status {
        guard let timer else { return MUSTER_UNSUPPORTED }
        var options = muster_timer_options()
        options.struct_size = UInt32(MemoryLayout<muster_timer_options>.size)
        options.abi_major = UInt16(MUSTER_ABI_MAJOR)
        options.abi_minor = UInt16(MUSTER_ABI_MINOR)
        options.context = Unmanaged.passUnretained(self).toOpaque()
        options.fire = { context, _ in MetricsEndpoint.at(context)?.expire() }
        options.delay = MonotonicTime.second
        options.interval = MonotonicTime.second
        return timer.pointee.start?(timer.pointee.context, &options, nil) ?? MUSTER_UNSUPPORTED
    }

    // MARK: Requests

    private func makeHandler() -> muster_http_handler {
        var table = muster_http_handler()
        table.struct_size = UInt32(MemoryLayout<muster_http_handler>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.on_request = { context, exchange, request in
            guard let request else { return }
            MetricsEndpoint.at(context)?.handle(exchange, request)
        }
        table.on_abort = { context, exchange, _ in
            MetricsEndpoint.at(context)?.questions.withLock { $0.remove { $0.exchange == exchange } }
        }
        return table
    }

    private func handle(_ exchange: muster_exchange, _ request: UnsafePointer<muster_http_request>) {
        let method = request.pointee.method.repairedText(limit: 16)
        guard method == "GET" || method == "HEAD" else {
            answer(exchange, 405, "Only GET and HEAD are answered here.\n", [("Allow", "GET, HEAD")])
            return
        }
        let target = request.pointee.target.repairedText(limit: 1024)
        switch target.prefix(while: { $0 != "?" }) {
        case "/metrics": scrape(exchange, ExpositionFormat(accept: accept(request)))
        case "/": answer(exchange, 200, "The metrics of this host are at /metrics.\n")
        default: answer(exchange, 404, "There is nothing here; the metrics of this host are at /metrics.\n")
        }
    }

    private func accept(_ request: UnsafePointer<muster_http_request>) -> String {
        let name = StableText("accept")
        defer { withExtendedLifetime(name) {} }
        return request.pointee.find_header?(request, name.value).repairedText(limit: 4096) ?? ""
    }

    private func scrape(_ exchange: muster_exchange, _ format: ExpositionFormat) {
        let outcome = questions.withLock { questions in
            questions.add(Scrape(exchange: exchange, format: format), at: MonotonicTime.now)
        }
        switch outcome {
        case .ask(let number): ask(number)
        case .wait: break
        case .full: refuse(exchange, "Too many ask for metrics at the same time.\n")
        }
    }

    /// The supervisor's answer. [control thread]
    func take(_ snapshot: MetricsSnapshot, number: UInt64) {
        let scrapes = questions.withLock { $0.answered(number) }
        for (format, scrapes) in Dictionary(grouping: scrapes, by: \.format) {
            let page = MetricsPage(snapshot, as: format)
            for scrape in scrapes { answer(scrape.exchange, 200, page.text, type: format.contentType) }
            log(page.clashes)
        }
    }

    /// Answers those whose question took too long. [control thread]
    private func expire() {
        let scrapes = questions.withLock { $0.expire(at: MonotonicTime.now) }
        for scrape in scrapes { refuse(scrape.exchange, "The host did not tell its metrics in time.\n") }
    }

    private func log(_ clashes: [MetricsPage.Clash]) {
        for clash in clashes where knownClashes.count < 1000 && knownClashes.insert(clash).inserted {
            let message = StableText(
                "\(clash.component)'s metric \(clash.name) is left out: \(clash.holder) uses the name for something else"
            )
            host?.pointee.log?(host?.pointee.context, MUSTER_LOG_WARNING, message.value, nil, 0)
            withExtendedLifetime(message) {}
        }
    }

    // MARK: Answers

    private func refuse(_ exchange: muster_exchange, _ sentence: String) {
        answer(exchange, 503, sentence, [("Retry-After", "5")])
    }

    private func answer(
        _ exchange: muster_exchange, _ status: UInt32, _ body: String, _ headers: [(String, String)] = [],
        type: String = "text/plain; charset=utf-8"
    ) {
        guard let server else { return }
        let texts = ([("Content-Type", type), ("Cache-Control", "no-store")] + headers).map {
            (StableText($0.0), StableText($0.1))
        }
        let fields = texts.map { muster_header(name: $0.0.value, value: $0.1.value) }
        var body = body
        body.withUTF8 { bytes in
            let bytes = muster_bytes(data: bytes.baseAddress, length: bytes.count)
            // Where the client has gone meanwhile, there is nothing to do.
            _ = server.pointee.respond?(server.pointee.context, exchange, status, fields, fields.count, bytes)
        }
        withExtendedLifetime(texts) {}
    }
}

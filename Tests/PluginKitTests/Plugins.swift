import Glibc
import PluginKit

/// Small plugins that the tests load through the ABI.
final class Sampler: Plugin, RequestHandler {
    enum Colour: String, OptionChoice { case red, green }

    struct Options: OptionGroup {
        @Option(length: 1...20, help: "Text.") var greeting = "Hi \"you\"\n"
        @Option(in: 1...65536, unit: "files", help: "Number.") var openFiles = 1024
        @Option(help: "Flag.") var isLoud = false
        @Option(help: "Number with a point.") var ratio = 0.5
        @Option(in: .seconds(1)...Duration.seconds(3600), help: "Time.") var pollInterval = Duration.milliseconds(
            90_500)
        @Option(help: "Required.") var root: Path
        @Option(help: "May be left out.") var contact: String?
        @Option(help: "List.") var peers: [HostAndPort] = []
        @Option(help: "Choice.") var colour = Colour.green
        @Option(isSecret: true, help: "Secret.") var token: String?
        @Option(help: "URL.") var upstream: WebURL?
        let cache = Cache()
    }

    struct Cache: OptionGroup {
        @Option(help: "Bytes.") var memory = ByteCount.mebibytes(64)
        @Option(name: "small", help: "Renamed.") var smallFile = ByteCount.bytes(1000)
    }

    static let front = Listener.http("front", port: 50099, help: "Answers.")
    static let back = Listener.raw("back", port: 50098, help: "Raw.")
    static let description = PluginDescription(
        id: "org.muster.test.sampler", name: "Sampler", version: "1.2.3", summary: "Tests.", vendor: "Muster",
        licence: "MIT", listeners: [front, back], requires: [.timer, .httpServer], capabilities: ["CAP_DAC_READ_SEARCH"]
    )

    let options: Options
    let host: Host

    init(options: Options, host: Host) throws {
        if options.greeting == "refuse" { throw options.$greeting.error("Say something else.") }
        if options.greeting == "break" { throw SystemError(2, doing: "open the cellar") }
        if options.cache.memory.bytes == 1 { throw options.cache.$memory.error("Too little.") }
        self.options = options
        self.host = host
    }

    func prepare() throws { try host.serve(Self.front, with: self) }
    func activate(state: [UInt8]) throws {
        if options.greeting == "late" { throw PluginError("Not now.") }
        host.log.info("activate", ["state": String(decoding: state, as: UTF8.self)])
    }

    func quiesce(deadline: SuspendingClock.Instant) throws {
        let left = SuspendingClock.now.duration(to: deadline)
        host.log.info("quiesce", ["seconds": "\(Int((left / .seconds(1)).rounded()))"])
    }

    func release() throws -> [UInt8] { Array("kept".utf8) }
    func stop() { host.log.info("stop") }

    func handle(_ request: borrowing Request, _ exchange: Exchange) throws {
        if request.path == "/throw" { throw PluginError("a mistake") }
        if request.path == "/throw-late" {
            exchange.begin(.ok)
            throw PluginError("a late mistake")
        }
        if request.path == "/bad-header" {
            exchange.respond(.ok, ["Bad\nName": "x"], text: "never")
            return
        }
        if request.path == "/later" { return }
        if request.path == "/options" {
            exchange.respond(.ok, text: optionsText)
            return
        }
        let head = RequestHead(request)
        let fields = head.headers.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
        exchange.respond(
            .ok, ["X-Method": "\(request.method)"],
            text: [
                head.method, head.target, String(head.path), head.authority, "\(head.version)", fields, head.peer,
                request.joinedHeader("accept") ?? "-", request.header("ACCEPT") ?? "-",
            ].joined(separator: "|"))
    }

    private var optionsText: String {
        let values: [String] = [
            options.greeting, "\(options.openFiles)", "\(options.isLoud)", "\(options.ratio)",
            "\(options.pollInterval)", "\(options.root)", options.contact ?? "-",
            options.peers.map(\.description).joined(separator: ","), "\(options.colour)", options.token ?? "-",
            options.upstream?.string ?? "-", "\(options.cache.memory.bytes)", "\(options.cache.smallFile.bytes)",
        ]
        return values.joined(separator: " ")
    }

    func receive(_ piece: Span<UInt8>, _ exchange: Exchange) throws {
        if piece.count == 3 { throw PluginError("three is too many") }
        host.log.info("body", ["bytes": "\(piece.count)"])
    }
    func endOfBody(_ exchange: Exchange) throws { exchange.respond(.created, body: []) }

    func aborted(_ exchange: Exchange, _ reason: AbortReason) {
        host.log.info("aborted", ["reason": "\(reason)"])
    }
}

/// Answers in tasks.
final class Streamer: Plugin, AsyncRequestHandler {
    static let front = Listener.http("front", port: 50097, help: "Streams.")
    static let description = PluginDescription(
        id: "org.muster.test.streamer", name: "Streamer", version: "1.0.0", summary: "Tests.", vendor: "Muster",
        licence: "MIT", listeners: [front], requires: [.work])

    let host: Host

    init(options: NoOptions, host: Host) { self.host = host }
    func prepare() throws { try host.serve(Self.front, with: self) }

    func handle(_ request: RequestHead, body: RequestBody, _ exchange: Exchange) async throws {
        switch request.path {
        case "/echo":
            let whole = try await body.collect(upTo: 1 << 20)
            exchange.respond(.ok, body: whole)
        case "/slow-echo":
            exchange.begin(.ok)
            for try await piece in body { try await exchange.write(piece) }
            exchange.end()
        case "/stream":
            exchange.begin(.ok)
            for number in 0..<10 { try await exchange.write(Array("line \(number)\n".utf8)) }
            exchange.end()
        case "/work":
            let sum = try await host.run { (1...100).reduce(0, +) }
            exchange.respond(.ok, text: "\(sum)")
        case "/throw": throw PluginError("a mistake")
        // Ends when it is cancelled, and only then.
        case "/forever": for await _ in AsyncStream<Int>(unfolding: { await never() }) {}
        default: return
        }
    }
}

/// Waits until the task is cancelled; answers nil then.
private func never() async -> Int? {
    try? await Task.sleep(for: .seconds(3600))
    return nil
}

/// CLOCK_MONOTONIC now.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

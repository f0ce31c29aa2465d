// HelloSwift: a whole Muster plugin in one file of Swift.
//
//     curl http://localhost:50011/hello
//
// It serves one listener and reads one option. Copy it and change the names. What a plugin's life is, step by step, is
// said at `Plugin` in PluginKit.

public import MusterABI
import PluginKit

/// The component. The host makes one in each worker process; its handlers run on several event loops at once, so what
/// it holds is constant (or guarded by a lock).
final class Greeter: Plugin, RequestHandler {
    /// What the operator may write under `components.HelloSwift.config`. The host checks it before this plugin sees it.
    struct Options: OptionGroup {
        @Option(length: 1...1000, help: "What GET /hello answers.")
        var greeting = "Hello from Swift.\n"
    }

    /// The port is the documented one; the operator may move it with `listen: {hello: "127.0.0.1:8080"}`.
    static let listener = Listener.http("hello", port: 50011, help: "Answers GET /hello.")

    static let description = PluginDescription(
        id: "org.muster.example.hello-swift", name: "HelloSwift", version: "1.0.0",
        summary: "Answers a greeting: the smallest plugin in Swift.", vendor: "Muster contributors", licence: "MIT",
        listeners: [listener])

    private let host: Host
    private let greeting: String
    /// Made once, so that an answer costs no memory.
    private let notAllowed: HeaderFields = ["Content-Type": "text/plain; charset=utf-8", "Allow": "GET, HEAD"]

    init(options: Options, host: Host) {
        self.host = host
        greeting = options.greeting
    }

    /// Gets ready beside the generation that is still running. The port is bound now, and accepts after `activate`.
    func prepare() throws {
        try host.serve(Self.listener, with: self)
    }

    /// A request has come, on an event loop: answer without blocking, now or later. HEAD is answered like GET; the host
    /// keeps the body back.
    func handle(_ request: borrowing Request, _ exchange: Exchange) {
        guard request.path == "/hello" else {
            exchange.respond(.notFound, text: "There is nothing here. Try /hello.\n")
            return
        }
        switch request.method {
        case .get, .head: exchange.respond(.ok, text: greeting)
        default: exchange.respond(.methodNotAllowed, notAllowed, text: "/hello answers GET and HEAD only.\n")
        }
    }
}

/// The one symbol the library exports; the compiler checks it against the declaration in muster/core.h.
@c @implementation public func muster_plugin_entry_v1() -> UnsafePointer<muster_plugin>? {
    PluginEntry.manifest(of: Greeter.self)
}

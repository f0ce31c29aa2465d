internal import Fleet
internal import Glibc
internal import Networking

/// Asks the company server's components as an administrator, and waits for each answer.
///
/// Every way to fail is one `AdminFailure`. Threads: any, each call blocks the one that makes it.
public final class AdminClient: Sendable {
    /// How long it is tried where the server says that it cannot just now (503).
    public struct Patience: Sendable {
        public var tries: Int
        /// Seconds that one wait may last, whatever Retry-After asks for.
        public var longestWait: Double

        public init(tries: Int = 5, longestWait: Double = 10) {
            self.tries = tries
            self.longestWait = longestWait
        }
    }

    private enum Limit {
        /// Bytes of an answer.
        static let answer: UInt64 = 64 << 20
        /// Bytes of a stream that nobody has read yet.
        static let unread = 4 << 20
        /// Bytes of a refusal that are read.
        static let problem = 64 << 10
        /// Nanoseconds.
        static let connect: UInt64 = 10_000_000_000
        static let total: UInt64 = 120_000_000_000
        static let streamSilence: UInt64 = 45_000_000_000
    }

    let access: AdminAccess
    let patience: Patience
    private let http: HTTPClient

    public init(_ access: AdminAccess, patience: Patience = Patience()) throws(AdminFailure) {
        if let problem = access.problem(at: .now()) { throw problem }
        guard let http = HTTPClient(userAgent: "muster") else {
            throw AdminFailure(
                .local, AdminFailure.sentence(HTTPClient.unavailability ?? "libcurl gives no handle"),
                advice: "Install it (`apt install libcurl4`) and try again.")
        }
        guard ClientThread.start({ http.run() }) else {
            throw AdminFailure(.local, "the system has no thread left for the client")
        }
        self.access = access
        self.patience = patience
        self.http = http
    }

    deinit { http.close() }

    // MARK: Transfers

    /// A transfer that is under way; ends it when nothing holds it any more.
    final class Transfer: Sendable {
        let exchange: Exchange
        let address: ServerAddress
        private let http: HTTPClient
        private let id: UInt64

        fileprivate init(_ exchange: Exchange, _ address: ServerAddress, _ http: HTTPClient, _ id: UInt64) {
            self.exchange = exchange
            self.address = address
            self.http = http
            self.id = id
        }

        deinit { _ = http.cancel(id) }
    }

    /// - Parameters:
    ///   - file: where the body of a success goes; nil: to the exchange.
    ///   - isStream: it has no end that could be waited for; the server is heard of every so often.
    func start(_ call: AdminCall, file: CInt? = nil, isStream: Bool = false) throws(AdminFailure) -> Transfer {
        let address = access.address(of: call.service)
        var request = HTTPClientRequest(url: call.url(at: address))
        request.method = call.method
        request.fields = [.init("Accept", call.accepts)]
        if let body = call.body {
            request.body = .bytes(body)
            request.fields.append(.init("Content-Type", "application/json"))
        }
        request.connectTimeout = Limit.connect
        request.destination = file.map { HTTPClientRequest.Destination(descriptor: $0, offset: 0) }
        request.bodyLimit = isStream || file != nil ? nil : Limit.answer
        request.totalTimeout = isStream || file != nil ? nil : Limit.total
        request.stallTimeout = isStream ? Limit.streamSilence : request.stallTimeout
        let exchange = Exchange(limit: isStream ? Limit.unread : Int(Limit.answer))
        do throws(HTTPClient.Failure) {
            let id = try lendTLS { tls throws(HTTPClient.Failure) in try http.start(request, tls, exchange) }
            return Transfer(exchange, address, http, id)
        } catch {
            switch error {
            case .refused(let refusal):
                throw AdminFailure(
                    .identity, "the server at \(address) cannot be asked: \(AdminFailure.sentence("\(refusal)"))",
                    advice: "Check the address (--server HOST:PORT) and the identity (--identity DIR).")
            case .busy, .closed: throw AdminFailure(.local, "the client takes no further request")
            }
        }
    }

    private func lendTLS<Value>(
        _ body: (HTTPClientTLS) throws(HTTPClient.Failure) -> Value
    ) throws(HTTPClient.Failure) -> Value {
        // Typed throws do not pass the closures of the standard library's arrays, results do.
        let result: Result<Value, HTTPClient.Failure> = access.certificate.withUnsafeBytes { certificate in
            access.privateKey.withUnsafeBytes { key in
                access.authority.withUnsafeBytes { authority in
                    let tls = HTTPClientTLS(
                        expectedPeer: "\(FleetRole.server)", certificate: certificate, privateKey: key,
                        authority: authority)
                    do throws(HTTPClient.Failure) { return .success(try body(tls)) } catch { return .failure(error) }
                }
            }
        }
        return try result.get()
    }

    /// What a transfer that has ended came to: the body of a success.
    static func answer(of transfer: Transfer, to call: AdminCall) throws(AdminFailure) -> [UInt8] {
        let (exchange, address) = (transfer.exchange, transfer.address)
        guard let result = exchange.result else { return [] }
        guard result.code == .done, let head = exchange.head else {
            throw AdminFailure(result, from: address, at: .now())
        }
        let body = exchange.takeBody()
        if (200..<300).contains(head.status) {
            guard head.status == 204 || head.contentType == call.accepts else {
                throw notOurs(address, "it answered with \(described(head.contentType)), not \(call.accepts)")
            }
            return body
        }
        var failure = refusal(head, body.prefix(Limit.problem), call, address)
        failure.retryAfter = result.retryAfter.map { Double($0) / 1e9 }
        throw failure
    }

    private static func refusal(
        _ head: Exchange.Head, _ body: some Sequence<UInt8>, _ call: AdminCall, _ address: ServerAddress
    ) -> AdminFailure {
        if head.contentType == "application/problem+json" {
            let bytes = Array(body)
            if let problem = try? FleetJSON.decode(Problem.self, from: bytes) {
                return AdminFailure(problem, selector: call.selector, from: address, at: .now())
            }
            if let newer = try? FleetJSON.decode(NewerProblem.self, from: bytes) {
                let problem = Problem(head.status, .failed, newer.detail)
                return AdminFailure(problem, selector: nil, from: address, at: .now())
            }
        }
        if head.status == 503 || head.status == 429 {
            var failure = AdminFailure(
                .busy, "the server at \(address) cannot answer just now (status \(head.status))",
                advice: "Try again in a moment.")
            failure.isWorthAskingAgain = true
            return failure
        }
        return notOurs(address, "it answered with status \(head.status) and \(described(head.contentType))")
    }

    /// With a code that only a later version knows; what it says for people is still said.
    private struct NewerProblem: Decodable {
        var detail: String
    }

    static func notOurs(_ address: ServerAddress, _ reason: String) -> AdminFailure {
        AdminFailure(
            .notOurs, "what answers at \(address) is not a company server of this version: \(reason)",
            advice: AdminFailure.notOurs)
    }

    private static func described(_ contentType: String) -> String {
        contentType.isEmpty ? "nothing that has a type" : String(AdminFailure.sentence(contentType).prefix(80))
    }

    // MARK: Calls

    /// Asks, and asks again where the server could not answer just then; what it has begun is not asked twice.
    func ask(_ call: AdminCall) throws(AdminFailure) -> [UInt8] {
        var tries = 1
        while true {
            do throws(AdminFailure) {
                let transfer = try start(call)
                transfer.exchange.wait()
                return try Self.answer(of: transfer, to: call)
            } catch {
                guard error.isWorthAskingAgain, tries < patience.tries else { throw error }
                let grown = 0.1 * Double(1 << min(tries, 6))
                let wait = min(patience.longestWait, max(grown, error.retryAfter ?? 0))
                tries += 1
                usleep(UInt32(wait * 1e6))
            }
        }
    }

    func ask<Value: Decodable>(_ call: AdminCall, for type: Value.Type = Value.self) throws(AdminFailure) -> Value {
        try Self.value(of: try ask(call), from: access.address(of: call.service))
    }

    static func value<Value: Decodable>(of bytes: [UInt8], from address: ServerAddress) throws(AdminFailure) -> Value {
        do throws(FleetJSONError) {
            return try FleetJSON.decode(from: bytes)
        } catch {
            throw notOurs(address, "its answer cannot be read: \(AdminFailure.sentence("\(error)"))")
        }
    }
}

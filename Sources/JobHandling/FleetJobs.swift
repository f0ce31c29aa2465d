import Fleet
import PluginJSON
public import PluginKit

/// The fleet's jobs, which ClientService keeps, over the bus. Everything it throws is a `Problem`.
public struct FleetJobs: Sendable {
    public static let service = Service(FleetService.jobs)

    private let host: Host
    private static let timeout = Duration.seconds(10)

    public init(_ host: Host) { self.host = host }

    func create(_ order: CreateJob) async throws(Problem) -> Job { try await ask("create", order, repeatable: false) }
    func get(_ query: JobQuery, timeout: Duration = timeout) async throws(Problem) -> JobReport {
        try await ask("get", query, timeout: timeout)
    }
    func cancel(_ query: JobQuery) async throws(Problem) -> Job { try await ask("cancel", query) }
    func doorbells(_ query: JobQuery) async throws(Problem) -> Page<RingOrder> { try await ask("doorbells", query) }

    private func ask<Reply: Decodable>(
        _ method: String, _ value: some Encodable, timeout: Duration = timeout, repeatable: Bool = true
    ) async throws(Problem) -> Reply {
        do {
            return try await host.call(Self.service, method, json: value, timeout: timeout)
        } catch {
            throw Problem(error, mayBeRepeated: repeatable)
        }
    }
}

extension Problem {
    /// What the fleet refused is passed through; what did not reach it may be tried again, but an order that it may have
    /// taken should be looked for first.
    init(_ error: BusError, mayBeRepeated: Bool) {
        if error.kind == .failed, let problem = try? FleetJSON.decode(Problem.self, from: error.payload) {
            self = problem
            return
        }
        switch error.kind {
        case .busy:
            self.init(503, .busy, "The fleet's server is busy; try again in a moment.")
        case .unreachable, .wrongState, .unsupported:
            self.init(
                503, .unavailable, "ClientService, which keeps the fleet's jobs, does not run on this machine just now."
            )
        case .invalid, .notAllowed:
            self.init(
                503, .unavailable,
                "This machine's configuration does not let the component call ClientService: \(error.reason).")
        case .timedOut, .lost, .cancelled, .failed:
            if mayBeRepeated {
                self.init(503, .unavailable, "ClientService did not answer: \(error.reason). Try again.")
            } else {
                self.init(
                    504, .unavailable,
                    "ClientService did not answer: \(error.reason). The job may exist all the same: look with 'muster "
                        + "jobs' before you order it again.")
            }
        }
    }
}

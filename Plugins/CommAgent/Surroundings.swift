import Fleet
import PluginJSON
import PluginKit
import UpdateTrust

/// What the work on updates needs of the host, so that it can be tried without one.
protocol Surroundings: Sendable {
    /// Runs what may block where that is allowed.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
    /// Has the engine test the definitions of a folder.
    func test(_ folder: String) async -> Activation.Verdict
    func announce(_ event: DefinitionsEvent)
    func say(_ level: Log.Level, _ message: String, _ fields: KeyValuePairs<String, String>)
}

/// What the rest of the machine is told.
enum DefinitionsEvent: Hashable, Sendable {
    case activated(DefinitionsActivated)
    case rejected(DefinitionsRejected)
}

extension Surroundings {
    /// As `run`, for work on files of an update.
    func storing<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws(UpdateError) -> Value {
        do {
            return try await run(body)
        } catch let error as UpdateError {
            throw error
        } catch is WorkError {
            throw UpdateError(
                .transport, "the component stops, or too much work waits",
                transport: TransportFailure(.cancelled, "the component stops, or too much work waits"))
        } catch {
            throw UpdateError(.storage, "\(error)")
        }
    }

    var blocking: TargetDownload.Blocking { { body in try await run(body) } }
}

/// A component's host.
struct HostSurroundings: Surroundings {
    static let testService = Service(UpdateBusService.definitionsTest)
    /// Loading many millions of signatures takes a slow machine minutes.
    static let testTimeout = Duration.seconds(600)

    let host: Host

    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await host.run(body)
    }

    func test(_ folder: String) async -> Activation.Verdict {
        do throws(BusError) {
            let result: DefinitionsTestResult = try await host.call(
                Self.testService, UpdateBusService.testMethod, json: DefinitionsTestOrder(folder: folder),
                timeout: Self.testTimeout)
            return .passed(result)
        } catch {
            switch error.kind {
            case .failed: return .failed(error.reason)
            case .lost, .timedOut: return .lost(error.reason)
            case .invalid, .notAllowed, .busy, .unreachable, .cancelled, .wrongState, .unsupported:
                return .absent(error.reason)
            }
        }
    }

    func announce(_ event: DefinitionsEvent) {
        do throws(BusError) {
            switch event {
            case .activated(let message): try host.publish(Topic(UpdateTopic.activated), json: message)
            case .rejected(let message): try host.publish(Topic(UpdateTopic.rejected), json: message)
            }
        } catch {
            // Sweeps look for new definitions when they begin.
            host.log.warning("The machine was not told of its definitions.", ["reason": error.reason])
        }
    }

    func say(_ level: Log.Level, _ message: String, _ fields: KeyValuePairs<String, String>) {
        host.log.write(level, message, fields)
    }
}

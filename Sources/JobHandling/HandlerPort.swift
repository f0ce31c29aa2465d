import Fleet
public import PluginKit

/// What answers at the port of a handler: who asks is looked at before anything else.
public final class HandlerPort: AsyncRequestHandler {
    private let base: String
    private let desk: JobDesk?
    private let doorbell: DoorbellDesk?

    /// - Parameters:
    ///   - base: `/v1/polls`.
    ///   - desk: where the component has the server's role.
    ///   - doorbell: where it has the client's.
    init(base: String, desk: JobDesk?, doorbell: DoorbellDesk?) {
        self.base = base
        self.desk = desk
        self.doorbell = doorbell
    }

    public func handle(_ request: RequestHead, body: RequestBody, _ exchange: Exchange) async throws {
        do {
            try await answer(request, body, exchange)
        } catch let problem as Problem {
            JobAnswers.refuse(problem, to: exchange)
        } catch let error as FleetJSONError {
            JobAnswers.refuse(Problem(400, .invalid, "The body is not what is expected here: \(error)."), to: exchange)
        } catch let error as BodyTooLarge {
            JobAnswers.refuse(Problem(413, .invalid, "The body is longer than \(error.limit) bytes."), to: exchange)
        }
    }

    private func answer(_ request: RequestHead, _ body: RequestBody, _ exchange: Exchange) async throws {
        let peer = try FleetPeer(of: request.identity)
        let route = JobRoute(base: base, path: request.path)
        switch route {
        case .nothing: throw Problem(404, .notFound, "There is nothing here.")
        case .doorbell where doorbell == nil:
            throw Problem(404, .notFound, "There is no doorbell here: this component has not the role 'client'.")
        case .orders where desk == nil, .job where desk == nil, .events where desk == nil:
            throw Problem(404, .notFound, "There are no jobs here: this component has not the role 'server'.")
        default: break
        }
        guard route.allows(request.method) else {
            let problem = Problem(405, .methodNotAllowed, "That is not done here; possible is \(route.methods).")
            return JobAnswers.refuse(problem, adding: [("Allow", route.methods)], to: exchange)
        }
        switch route {
        case .orders: try await desk?.order(body, peer, base: base, exchange)
        case .job(let job) where request.method == "DELETE": try await desk?.cancel(job, peer, exchange)
        case .job(let job): try await desk?.show(job, request.target, peer, exchange)
        case .events(let job): try await desk?.watch(job, peer, exchange)
        case .doorbell: try await doorbell?.ring(body, peer, exchange)
        case .nothing: break
        }
    }
}

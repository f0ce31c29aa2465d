public import Fleet
internal import Glibc

/// Follows a job as `JobWatch` says, over the client. Threads: one.
public struct JobWatcher {
    private enum Open {
        case stream(AdminClient.Transfer, EventStreamReader)
        case question(AdminClient.Transfer, AdminCall)
    }

    private let client: AdminClient
    private let id: JobID
    private let kind: AdminClient.JobKind?
    private var watch: JobWatch
    private var open: Open?

    /// - Parameters:
    ///   - kind: nil: one without a component that streams; ClientService is asked instead.
    ///   - counts: what is known already.
    public init(_ client: AdminClient, job id: JobID, kind: AdminClient.JobKind?, counts: AssignmentCounts? = nil) {
        self.client = client
        self.id = id
        self.kind = kind
        watch = JobWatch(hasStream: kind != nil, counts: counts)
    }

    public var counts: AssignmentCounts? { watch.counts }
    /// Why nothing is heard at present.
    public var trouble: AdminFailure? { watch.trouble }

    public enum Ending: Equatable, Sendable {
        case finished, interrupted
    }

    /// Returns when the job is over.
    /// - Parameter pause: called several times a second: shows how far it is, waits a little, and says whether to go on.
    public mutating func run(pause: (JobWatcher) -> Bool) throws(AdminFailure) -> Ending {
        while true {
            switch watch.next(at: Self.now()) {
            case .openStream: openStream()
            case .ask: ask()
            case .finished: return .finished
            case .giveUp(let failure): throw failure
            case .wait: guard pause(self) else { return .interrupted }
            }
            for input in listen() { watch.take(input, at: Self.now()) }
        }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }

    private mutating func openStream() {
        guard let kind else { return watch.take(.noStream, at: Self.now()) }
        do throws(AdminFailure) {
            let transfer = try client.start(AdminClient.eventsCall(kind, id), isStream: true)
            open = .stream(transfer, EventStreamReader())
        } catch {
            watch.take(.failed(error), at: Self.now())
        }
    }

    private mutating func ask() {
        let call = AdminClient.jobCall(id)
        do throws(AdminFailure) {
            open = .question(try client.start(call), call)
        } catch {
            watch.take(.failed(error), at: Self.now())
        }
    }

    /// What has come in since it was last asked.
    private mutating func listen() -> [JobWatch.Input] {
        switch open {
        case nil: return []
        case .question(let transfer, let call):
            guard transfer.exchange.result != nil else { return [] }
            open = nil
            do throws(AdminFailure) {
                let report: JobReport = try AdminClient.value(
                    of: try AdminClient.answer(of: transfer, to: call), from: transfer.address)
                return [.job(report.job)]
            } catch {
                return [.failed(error)]
            }
        case .stream(let transfer, var reader):
            let inputs = Self.listen(to: transfer, &reader, of: kind, id)
            let isOver = inputs.contains { input in
                switch input {
                case .counts, .job: false
                case .end, .streamEnded, .noStream, .failed: true
                }
            }
            open = isOver ? nil : .stream(transfer, reader)
            return inputs
        }
    }

    private static func listen(
        to transfer: AdminClient.Transfer, _ reader: inout EventStreamReader, of kind: AdminClient.JobKind?, _ id: JobID
    ) -> [JobWatch.Input] {
        let (result, head) = (transfer.exchange.result, transfer.exchange.head)
        if transfer.exchange.isOverfull { return [.noStream] }
        guard let head, head.status == 200, head.contentType == "text/event-stream" else {
            guard result != nil, let kind else { return [] }
            return [refusal(of: transfer, AdminClient.eventsCall(kind, id))]
        }
        var inputs: [JobWatch.Input] = []
        do throws(EventStreamFailure) {
            for event in try reader.take(transfer.exchange.takeBody()) {
                guard let input = try input(of: event, id) else { continue }
                inputs.append(input)
                if case .end = input { return inputs }
            }
        } catch {
            return inputs + [.failed(AdminClient.notOurs(transfer.address, "\(error)"))]
        }
        guard let result else { return inputs }
        if result.code == .done { return inputs + [.streamEnded] }
        return inputs + [.failed(AdminFailure(result, from: transfer.address, at: .now()))]
    }

    private static func input(
        of event: ServerSentEvent, _ id: JobID
    ) throws(EventStreamFailure) -> JobWatch.Input? {
        guard event.name == "counts" || event.name == "end" else { return nil }
        guard let told = try? FleetJSON.decode(JobEvent.self, from: event.data.utf8), told.job == id else {
            throw EventStreamFailure(description: "one of its events is not about the job that was asked for")
        }
        return event.name == "end" ? .end(told.counts) : .counts(told.counts)
    }

    /// What an answer that is no stream says.
    private static func refusal(of transfer: AdminClient.Transfer, _ call: AdminCall) -> JobWatch.Input {
        do throws(AdminFailure) {
            _ = try AdminClient.answer(of: transfer, to: call)
            return .noStream
        } catch {
            switch error.kind {
            // A component that has the job says so; whoever else answers has no stream.
            case .notOurs, .problem(.methodNotAllowed): return .noStream
            default: return .failed(error)
            }
        }
    }
}

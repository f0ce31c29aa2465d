import Files
import Fleet
import JobHandling
import Locks
import PluginJSON
import PluginKit
import SweepEngine

/// Carries sweeps out, and remembers what they found.
final class SweepWork: Sendable {
    static let progress = Topic(FleetTopic.assignmentProgress)

    let shelf: DefinitionsShelf
    private let host: Host
    private let rules: SweepRules
    private let recordPath: String
    private let record = Locked(SweepRecord())
    /// Bytes of the record's file.
    private static let recordLimit = 8 << 20

    init(_ shelf: DefinitionsShelf, _ rules: SweepRules, folder: String, host: Host) {
        self.shelf = shelf
        self.rules = rules
        self.host = host
        recordPath = folder + "/sweeps.json"
    }

    /// What earlier processes wrote down. Blocks.
    func load() {
        do {
            let bytes = try DurableFiles.read(recordPath, upTo: Self.recordLimit)
            let found = try FleetJSON.decode(SweepRecord.self, from: bytes)
            record.withLock { $0 = found }
        } catch let error as FileFailure where error.isMissingFile {
            // There was no sweep yet.
        } catch {
            host.log.warning(
                "What the last sweep found cannot be read and is forgotten.",
                ["file": recordPath, "reason": "\(error)"])
        }
    }

    var standing: SweepStanding {
        let definitions = shelf.content.engine.map { engine in
            ClientStatus.Definitions(version: engine.version, signatures: engine.signatureCount, date: engine.date)
        }
        let record = record.withLock { $0 }
        return SweepStanding(
            definitions: definitions, lastSweep: record.last, openDetections: record.openDetections)
    }

    /// nil: the component hands over, and its successor begins anew.
    func carryOut(_ offer: Offer, _ stop: WorkStop) async -> Outcome? {
        do {
            let paths = try Self.paths(of: offer)
            let content = await shelf.refresh()
            guard let engine = content.engine else {
                return Outcome(.failed, reason: content.trouble ?? "There are no definitions.")
            }
            let result = try await sweep(paths, engine, offer.job, stop)
            return try outcome(of: result, stop.reason)
        } catch let refusal as SweepRefusal {
            return Outcome(.failed, reason: refusal.reason)
        } catch let error as FleetJSONError {
            return Outcome(.failed, reason: "The sweep's parameters are not what is expected: \(error).")
        } catch WorkError.stopped {
            return nil
        } catch {
            return Outcome(.failed, reason: "The sweep could not be made: \(error).")
        }
    }

    private static func paths(of offer: Offer) throws -> [String] {
        guard offer.parameters != .null else { return try SweepParameters().checkedPaths() }
        return try offer.parameters.decoded(as: SweepParameters.self).checkedPaths()
    }

    private func sweep(
        _ paths: [String], _ engine: HashList, _ job: JobID, _ stop: WorkStop
    ) async throws -> SweepResult {
        let control = SweepControl()
        stop.whenStopped { reason in
            switch reason {
            case .cancelled: control.stop(.cancelled)
            case .outOfTime: control.stop(.outOfTime)
            case .handedOver: control.stop(.handedOver)
            }
        }
        let sweep = Sweep(engine: engine, rules: rules, control: control) { [host] progress in
            // Nobody may be listening, and progress may be lost.
            try? host.publish(Self.progress, json: AssignmentProgress(job: job, progress: progress))
        }
        return try await host.run { [self] in
            let result = sweep.run(paths)
            if !result.foundNothing { remember(result) }
            return result
        }
    }

    /// On a thread for blocking work.
    private func remember(_ result: SweepResult) {
        let record = record.withLock { record in
            record.add(result)
            return record
        }
        do {
            try DurableFiles.replace(recordPath, with: try FleetJSON.encode(record), mode: 0o600)
        } catch {
            host.log.warning(
                "What a sweep found could not be written down.", ["file": recordPath, "reason": "\(error)"])
        }
    }

    private func outcome(of result: SweepResult, _ reason: WorkStop.Reason?) throws -> Outcome? {
        let report = try JSONValue(of: result.report)
        switch result.stopped {
        case .cancelled: return Outcome(.cancelled, reason: "It was cancelled while it ran.", result: report)
        case .outOfTime:
            var sentence = "Its time was over."
            if case .outOfTime(let said) = reason { sentence = said }
            return Outcome(.failed, reason: sentence, result: report)
        case .handedOver: return nil
        case nil where result.foundNothing:
            return Outcome(
                .failed,
                reason: "None of the paths could be looked at. \(result.report.reasons.joined(separator: " "))",
                result: report)
        case nil: return Outcome(.succeeded, result: report)
        }
    }
}

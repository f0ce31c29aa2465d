import Files
import Fleet
import FoundationEssentials
import Glibc
import Locks
import PluginKit

/// How jobs ended that were carried out here, on disk: whoever asks for one again hears the same, and it is not done twice.
///
/// One file a job, `<id>.json`, put in place by rename. The newest 64 are kept, for 30 days.
///
/// Threads: any; every call may block.
final class FinishedWork: Sendable {
    /// A file's content.
    struct Record: Codable, Hashable, Sendable {
        var finishedAt: Timestamp
        var outcome: Outcome
    }

    static let countLimit = 64
    static let age = Duration.seconds(30 * 86400)
    /// Bytes of a file.
    static let sizeLimit = 1 << 20

    private let folder: String
    private let log: Log
    /// nil: not read yet.
    private let records = Locked<[JobID: Record]?>(nil)

    init(folder: String, log: Log) {
        self.folder = folder
        self.log = log
    }

    func outcome(of job: JobID, at now: Timestamp = .now()) -> Outcome? {
        records.withLock { records in
            let all = loaded(records, at: now)
            records = all
            return all[job]?.outcome
        }
    }

    /// Keeps an outcome. Where it cannot be written it is kept in memory, and the log says so: a restart would then carry
    /// the job out again.
    func keep(_ outcome: Outcome, of job: JobID, at now: Timestamp = .now()) {
        records.withLock { records in
            var all = loaded(records, at: now)
            all[job] = Record(finishedAt: now, outcome: outcome)
            for old in Self.superfluous(all, at: now) {
                all[old] = nil
                unlink(path(of: old))
            }
            records = all
        }
        do {
            try DurableFiles.replace(
                path(of: job), with: try FleetJSON.encode(Record(finishedAt: now, outcome: outcome)), mode: 0o600)
        } catch {
            log.warning(
                "How a job ended could not be written down; after a restart it may be done again.",
                ["job": "\(job)", "reason": "\(error)"])
        }
    }

    /// Those that are too old or too many, by when they finished. Pure.
    static func superfluous(_ records: [JobID: Record], at now: Timestamp) -> [JobID] {
        let newestFirst = records.sorted { ($1.value.finishedAt, $1.key) < ($0.value.finishedAt, $0.key) }
        return newestFirst.enumerated().filter { $0.offset >= countLimit || now - $0.element.value.finishedAt > age }
            .map(\.element.key)
    }

    private func path(of job: JobID) -> String { "\(folder)/\(job).json" }

    private func loaded(_ records: [JobID: Record]?, at now: Timestamp) -> [JobID: Record] {
        if let records { return records }
        // There is no folder before the first outcome.
        mkdir(folder, 0o700)
        var all: [JobID: Record] = [:]
        for name in DurableFiles.names(in: folder, upTo: 10_000) {
            let path = "\(folder)/\(name)"
            guard name.hasSuffix(".json"), let job = JobID(name.dropLast(5)) else {
                // A crash left the beginning of one.
                if name.hasSuffix(".new") { unlink(path) }
                continue
            }
            do {
                all[job] = try FleetJSON.decode(Record.self, from: try DurableFiles.read(path, upTo: Self.sizeLimit))
            } catch {
                log.warning(
                    "How a job ended cannot be read and is forgotten.", ["file": path, "reason": "\(error)"])
                unlink(path)
            }
        }
        for old in Self.superfluous(all, at: now) {
            all[old] = nil
            unlink(self.path(of: old))
        }
        return all
    }
}

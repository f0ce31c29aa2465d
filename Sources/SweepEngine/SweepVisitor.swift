internal import Files
internal import OpenSSL
import Fleet
import Glibc

/// Has an engine judge the files that a walk comes to, and counts what becomes of each.
///
/// One thread.
final class SweepVisitor: TreeVisitor {
    private let engine: any SweepEngine
    private let rules: SweepRules
    private let pulse: SweepPulse
    private let exclusions: [[CChar]]

    private(set) var coverage = SweepCoverage()
    private(set) var detections: [Detection] = []
    private(set) var detectionCount = 0
    /// How many could not be read, by errno.
    private(set) var readFailures: [CInt: Int] = [:]
    private(set) var firstUnreadable: String?
    private(set) var firstEngineError: String?

    /// Files that have further names.
    private var linked: Set<FileIdentity> = []
    /// So many are remembered; beyond, a file is looked at once for each of its names.
    private static let linkedLimit = 2_000_000

    init(_ engine: any SweepEngine, _ rules: SweepRules, _ pulse: SweepPulse) {
        self.engine = engine
        self.rules = rules
        self.pulse = pulse
        exclusions = rules.exclusions.map { $0.utf8.filter { $0 != 0 }.map { CChar(bitPattern: $0) } + [0] }
    }

    var mayGoOn: Bool { pulse.mayGoOn }

    func isExcluded(_ path: [UInt8]) -> Bool {
        guard !exclusions.isEmpty else { return false }
        return path.withCString { path in exclusions.contains { fnmatch($0, path, 0) == 0 } }
    }

    func pass(_ why: Passed, path: [UInt8]) {
        switch why {
        case .excluded, .foreign: count(\.excluded)
        case .special: count(\.special)
        case .unreadable(let code): countUnreadable(code, path)
        case .changed: count(\.changed)
        }
    }

    func visit(_ name: [UInt8], in folder: CInt, _ facts: FileFacts, path: [UInt8]) {
        if facts.links > 1 {
            if linked.contains(facts.identity) { return }
            if linked.count < Self.linkedLimit { linked.insert(facts.identity) }
        }
        if read(name, in: folder, path, isLast: false) == .again, read(name, in: folder, path, isLast: true) == .again {
            count(\.changed)
        }
    }

    private enum Reading {
        /// It has its count, or is to have none.
        case done
        case again
    }

    private func read(_ name: [UInt8], in folder: CInt, _ path: [UInt8], isLast: Bool) -> Reading {
        do throws(SystemFailure) {
            let file = try FileDescriptor.openForReading(at: folder, name)
            let facts = try FileFacts.of(file.number)
            // Since it was listed it may have become anything.
            guard facts.isRegular else {
                count(\.special)
                return .done
            }
            guard facts.size <= rules.fileLimit else {
                count(\.oversize)
                return .done
            }
            return judge(file, facts, path)
        } catch {
            // A file that has gone before it was read is none that was left out; one that has gone while it was read is.
            if error.meansGone { return isLast ? .again : .done }
            countUnreadable(error.code, path)
            return .done
        }
    }

    private func judge(
        _ file: borrowing FileDescriptor, _ facts: FileFacts, _ path: [UInt8]
    ) -> Reading {
        pulse.begin(path)
        do throws(JudgementFailure) {
            let judgement = try engine.judge(file.number, facts, ReadWatch { [pulse] in pulse.read($0) })
            let after = try attributes(of: file)
            guard after.size == facts.size, after.modified == facts.modified, after.changed == facts.changed else {
                return .again
            }
            if let threat = judgement.threat { found(threat, judgement, facts, path) }
            coverage.bytes += Int64(pulse.fileBytes)
            count(\.scanned, bytes: pulse.fileBytes)
        } catch {
            switch error {
            // It counts as nothing: the sweep ends, and says so.
            case .stopped: break
            case .changed: return .again
            case .unreadable(let code): countUnreadable(code, path)
            case .engine(let reason):
                firstEngineError = firstEngineError ?? "\(DisplayPath.text(path)): \(reason)"
                count(\.engineErrors)
            }
        }
        return .done
    }

    private func attributes(of file: borrowing FileDescriptor) throws(JudgementFailure) -> FileFacts {
        do { return try FileFacts.of(file.number) } catch { throw .unreadable(error.code) }
    }

    private func found(_ threat: Threat, _ judgement: Judgement, _ facts: FileFacts, _ path: [UInt8]) {
        detectionCount += 1
        guard detections.count < SweepResult.detectionLimit else { return }
        detections.append(
            Detection(
                path: DisplayPath.text(path), threat: threat.name, severity: threat.severity,
                sha256: Hexadecimal.lower(judgement.sha256), size: facts.size))
    }

    private func countUnreadable(_ code: CInt, _ path: [UInt8]) {
        readFailures[code, default: 0] += 1
        firstUnreadable = firstUnreadable ?? DisplayPath.text(path)
        count(\.unreadable)
    }

    /// The one place where a file gets its count, so that the counts add up to what was seen.
    private func count(_ what: WritableKeyPath<SweepCoverage, Int>, bytes: Int = 0) {
        coverage.seen += 1
        coverage[keyPath: what] += 1
        pulse.counted(scannedBytes: bytes, detections: detectionCount)
    }
}

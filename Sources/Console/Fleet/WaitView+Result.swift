public import Fleet

extension WaitView {
    /// What a job came to: a table of the clients, the detections below it, and a sentence.
    public struct Result: Sendable {
        public var job: Job
        public var now: Timestamp
        private let entries: [Entry]

        /// More rows are not read by anybody: then only those that want attention are shown.
        private static let rowLimit = 200
        private static let detectionLimit = 200

        struct Entry: Sendable {
            var row: AssignmentRow
            var status: ClientStatus?
            var sweep: SweepReport?
        }

        public init(_ report: JobReport, now: Timestamp) {
            job = report.job
            self.now = now
            let kind = report.job.kind
            entries = report.rows.map { row in
                Entry(
                    row: row, status: kind == "poll" ? row.result.flatMap { Self.read($0) } : nil,
                    sweep: kind == "sweep" ? row.result.flatMap { Self.read($0) } : nil)
            }
        }

        private static func read<Value: Decodable>(_ value: JSONValue) -> Value? {
            guard let bytes = try? FleetJSON.encode(value) else { return nil }
            return try? FleetJSON.decode(from: bytes)
        }

        /// What a script is told by the exit code.
        public enum Verdict: Int32, Sendable {
            /// Every client did it, wholly, and nothing was found.
            case good = 0
            case detections = 1
            /// A client failed, expired, was cancelled, left something out, or has not ended.
            case incomplete = 2
        }

        public var verdict: Verdict {
            if entries.contains(where: { ($0.sweep?.detectionCount ?? 0) > 0 }) { return .detections }
            let isWhole = entries.allSatisfy { entry in
                entry.row.state == .succeeded && (job.kind != "sweep" || entry.sweep?.isComplete == true)
            }
            return isWhole && job.counts.isFinished && job.counts.total == entries.count ? .good : .incomplete
        }

        /// Several lines without a final line break.
        public func render(on terminal: Terminal) -> String {
            guard !entries.isEmpty else { return "No client has this job." }
            var blocks = [table(on: terminal)]
            if let text = reasons(on: terminal) { blocks.append(text) }
            if let text = detections(on: terminal) { blocks.append(text) }
            blocks.append(summary(on: terminal))
            return blocks.joined(separator: "\n\n")
        }

        private func table(on terminal: Terminal) -> String {
            let shown = entries.count > Self.rowLimit ? entries.filter(isNotable) : entries
            var table = Table(columns: [.init(title: "CLIENT", minimum: 16), .init(title: "STATE", minimum: 9)])
            table.rows = shown.map { [Table.Cell(oneLine($0.row.name)), JobWords.cell($0.row)] }
            switch job.kind {
            case "poll": table = table.adding(pollColumns, from: shown, within: terminal.width)
            case "sweep": table = table.adding(sweepColumns, from: shown, within: terminal.width)
            default: break
            }
            var lines = shown.isEmpty ? [] : table.render(on: terminal)
            if shown.count < entries.count {
                let count = SweepWords.grouped(entries.count - shown.count)
                lines.append("… and \(count) clients that did it and have nothing to tell; --json has them.")
            }
            return lines.joined(separator: "\n")
        }

        private func isNotable(_ entry: Entry) -> Bool {
            if entry.row.state != .succeeded { return true }
            if let sweep = entry.sweep { return !sweep.isComplete || sweep.detectionCount > 0 }
            return (entry.status?.openDetections ?? 0) > 0
        }

        private typealias FurtherColumn = (title: String, minimum: Int?, cell: (Entry) -> Table.Cell)

        private var pollColumns: [FurtherColumn] {
            let order = DefinitionsOrder(entries.compactMap { $0.status?.definitions?.version })
            let nothing = Table.Cell("-")
            return [
                ("THREATS", nil, { $0.status.map { TrafficLight.threats($0.openDetections) } ?? nothing }),
                (
                    "LAST SWEEP", nil,
                    { entry in
                        entry.status.map { TrafficLight.sweep($0.lastSweep, now: now) } ?? nothing
                    }
                ),
                (
                    "DEFINITIONS", nil,
                    { entry in
                        entry.status.map { TrafficLight.definitions($0.definitions?.version, among: order) } ?? nothing
                    }
                ),
                ("OS", 10, { Table.Cell(oneLine($0.status?.system.os ?? "-")) }),
            ]
        }

        private var sweepColumns: [FurtherColumn] {
            let nothing = Table.Cell("-")
            return [
                (
                    "DETECTIONS", nil,
                    { entry in
                        if let sweep = entry.sweep {
                            return TrafficLight.detections(sweep.detections, count: sweep.detectionCount)
                        }
                        guard let found = entry.row.progress?.detections, found > 0 else { return nothing }
                        return Table.Cell("\(found) so far", .bad)
                    }
                ),
                (
                    "SCANNED", nil,
                    { entry in
                        if let coverage = entry.sweep?.coverage {
                            return Table.Cell(SweepWords.grouped(coverage.scanned + coverage.cached))
                        }
                        return entry.row.progress?.files.map { Table.Cell("\(SweepWords.grouped($0)) so far") }
                            ?? nothing
                    }
                ),
                (
                    "COVERAGE", nil,
                    { entry in
                        guard let sweep = entry.sweep else { return nothing }
                        return sweep.isComplete ? Table.Cell("complete", .good) : Table.Cell("partial", .uncertain)
                    }
                ),
                ("DEFINITIONS", 8, { Table.Cell($0.sweep.map { oneLine($0.definitions) } ?? "-") }),
            ]
        }

        // MARK: Below the table

        /// Why clients did not do it, or not wholly; the same reason once.
        private func reasons(on terminal: Terminal) -> String? {
            var order: [String] = []
            var names: [String: [String]] = [:]
            for entry in entries {
                var told = entry.sweep?.isComplete == false ? entry.sweep?.reasons ?? [] : []
                if entry.row.state != .succeeded, !entry.row.reason.isEmpty { told.insert(entry.row.reason, at: 0) }
                for reason in told.prefix(4).map(oneLine) {
                    if names[reason] == nil { order.append(reason) }
                    names[reason, default: []].append(oneLine(entry.row.name))
                }
            }
            guard !order.isEmpty else { return nil }
            let lines = order.prefix(20).map { reason in
                let all = names[reason] ?? []
                let who = all.count <= 3 ? all.joined(separator: ", ") : "\(all[0]) and \(all.count - 1) others"
                return "\(who): \(reason)".fitted(to: terminal.width, indent: "  ")
            }
            return (lines + (order.count > 20 ? ["… and \(order.count - 20) further reasons; --json has them."] : []))
                .joined(separator: "\n")
        }

        private func detections(on terminal: Terminal) -> String? {
            let found = entries.flatMap { entry in (entry.sweep?.detections ?? []).map { (entry.row.name, $0) } }
            guard !found.isEmpty else { return nil }
            var table = Table(columns: [
                .init(title: "FOUND ON", minimum: 10), .init(title: "SEVERITY"), .init(title: "THREAT", minimum: 12),
                .init(title: "PATH", minimum: 12),
            ])
            table.rows = found.prefix(Self.detectionLimit).map { name, detection in
                [
                    Table.Cell(oneLine(name)),
                    Table.Cell(detection.severity.rawValue, TrafficLight.style(detection.severity)),
                    Table.Cell(oneLine(detection.threat)), Table.Cell(oneLine(detection.path)),
                ]
            }
            var lines = table.render(on: terminal)
            let rest = found.count - Self.detectionLimit
            if rest > 0 { lines.append("… and \(rest) more; `muster detections` lists them.") }
            return lines.joined(separator: "\n")
        }

        /// That nothing was found says nothing of those who did not look.
        private func found(_ count: Int) -> String {
            let swept = entries.count { $0.sweep != nil }
            if count > 0 { return Quantity.count(count, "detection") }
            if swept == 0 { return "nothing was swept" }
            return swept < job.counts.total
                ? "nothing was found on \(Quantity.count(swept, "client")) that swept" : "nothing was found"
        }

        private func summary(on terminal: Terminal) -> String {
            var text = "\(Quantity.count(job.counts.total, "client")): \(JobWords.counts(job.counts))"
            if job.kind == "sweep" {
                let count = entries.reduce(0) { $0 + ($1.sweep?.detectionCount ?? 0) }
                let partial = entries.count { $0.sweep?.isComplete == false }
                if partial > 0 { text += ", \(partial) swept in part" }
                text += "; \(found(count))"
            }
            let style: Style =
                switch verdict {
                case .good: .good
                case .detections: .bad
                case .incomplete: .uncertain
                }
            return style("\(text).".wrapped(to: terminal.width), if: terminal.usesColor)
        }
    }
}

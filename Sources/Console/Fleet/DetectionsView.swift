public import Fleet

/// Detections as `muster detections` lists them.
public struct DetectionsView: Sendable {
    public var detections: [DetectionRow]
    public var now: Timestamp

    public init(_ detections: [DetectionRow], now: Timestamp) {
        self.detections = detections
        self.now = now
    }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        guard !detections.isEmpty else { return "No detection." }
        var table = Table(columns: [
            .init(title: "FOUND"), .init(title: "CLIENT", minimum: 8), .init(title: "SEVERITY"),
            .init(title: "THREAT", minimum: 12), .init(title: "PATH", minimum: 12),
        ])
        table.rows = detections.map { row in
            [
                Table.Cell(Age.text(row.foundAt, now: now)), Table.Cell(oneLine(row.name)),
                Table.Cell(row.detection.severity.rawValue, TrafficLight.style(row.detection.severity)),
                Table.Cell(oneLine(row.detection.threat)), Table.Cell(oneLine(row.detection.path)),
            ]
        }
        let clients = Set(detections.map(\.client)).count
        return table.render(on: terminal).joined(separator: "\n") + "\n\n"
            + "\(Quantity.count(detections.count, "detection")) on \(Quantity.count(clients, "client"))."
    }
}

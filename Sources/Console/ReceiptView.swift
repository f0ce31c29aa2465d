public import ControlProtocol

/// A receipt as `muster reload` prints it: the outcome in a sentence, a table of the components, and every diagnostic.
public struct ReceiptView: Sendable {
    public var receipt: ReloadReceipt

    public init(_ receipt: ReloadReceipt) { self.receipt = receipt }

    /// Whether what was asked for is what runs now: a script goes on.
    public var isSuccess: Bool { receipt.result == .committed || receipt.result == .unchanged }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        let style: Style = isSuccess ? .good : .bad
        var blocks = [
            style(outcome.wrapped(to: terminal.width), if: terminal.usesColor) + "\n"
                + Style.faint(origin, if: terminal.usesColor)
        ]
        if !receipt.components.isEmpty { blocks.append(table.render(on: terminal).joined(separator: "\n")) }
        if receipt.drainingConnections > 0 {
            let connections = Quantity.count(receipt.drainingConnections, "connection")
            blocks.append(
                "\(connections) of older generations \(receipt.drainingConnections == 1 ? "was" : "were") open.")
        }
        if !receipt.diagnostics.isEmpty {
            blocks.append(receipt.diagnostics.flatMap(lines).joined(separator: "\n"))
        }
        return blocks.joined(separator: "\n\n")
    }

    private var outcome: String {
        let (generation, time) = (receipt.generation, Quantity.duration(seconds: receipt.durationSeconds))
        return switch receipt.result {
        case .committed: "Committed in \(time): generation \(generation) serves."
        case .unchanged: "Nothing has changed: what ran goes on."
        case .refused: "Refused after \(time): nothing was changed, and what ran goes on."
        case .rolledBack:
            "Rolled back: generation \(generation) crashed too often, and the configuration before it serves again."
        }
    }

    private var origin: String {
        let cause =
            switch receipt.trigger {
            case .start: "the start of the host"
            case .signal: "SIGHUP"
            case .command: "`muster reload`"
            }
        return "asked for by \(cause) at \(Moment.text(receipt.startedAt))"
    }

    private var table: Table {
        var table = Table(columns: [
            .init(title: "COMPONENT", minimum: 10), .init(title: "OUTCOME"), .init(title: "WHY", minimum: 20),
        ])
        table.rows = receipt.components.map { component in
            [
                Table.Cell(oneLine(component.name)),
                Table.Cell(component.outcome.rawValue, style(of: component.outcome)),
                Table.Cell(component.reason.map(oneLine) ?? ""),
            ]
        }
        return table
    }

    private func style(of outcome: ReloadReceipt.Component.Outcome) -> Style? {
        switch outcome {
        case .unchanged: .faint
        case .restarted, .renewed, .narrowed, .added, .removed: isSuccess ? .good : .uncertain
        case .failed: .bad
        }
    }
}

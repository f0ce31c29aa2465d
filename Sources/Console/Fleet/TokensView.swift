public import Fleet

/// Enrolment tokens as `muster fleet token list` shows them. Their secrets were seen once, when they were made.
public struct TokensView: Sendable {
    public var tokens: [TokenRow]
    public var now: Timestamp

    public init(_ tokens: [TokenRow], now: Timestamp) {
        self.tokens = tokens
        self.now = now
    }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        guard !tokens.isEmpty else {
            return "No token. `muster fleet token create --group GROUP` makes one.".wrapped(to: terminal.width)
        }
        var table = Table(columns: [.init(title: "TOKEN")])
        table.rows = tokens.map { [Table.Cell("\($0.id)")] }
        table = table.adding(
            [
                (
                    "EXPIRES", nil,
                    { token in
                        let age = Age.text(token.expiresAt, now: now)
                        return token.expiresAt > now ? Table.Cell(age) : Table.Cell("expired", .faint)
                    }
                ),
                (
                    "USES", nil,
                    { Table.Cell($0.usesLeft > 0 ? "\($0.usesLeft) left" : "used up", $0.usesLeft > 0 ? nil : .faint) }
                ),
                ("GROUP", 6, { Table.Cell(oneLine($0.group)) }),
                ("MADE", nil, { Table.Cell(Age.text($0.createdAt, now: now)) }),
                ("BY", 4, { Table.Cell(JobWords.person($0.createdBy)) }),
            ], from: tokens, within: terminal.width)
        return table.render(on: terminal).joined(separator: "\n")
    }
}

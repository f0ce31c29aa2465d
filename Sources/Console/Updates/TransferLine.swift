internal import Configuration

/// How far a transfer is, on one line: `definitions/main.hsb  [#####...............]  24 %  9.4 MiB of 39 MiB`.
public enum TransferLine {
    private static let bar = 20

    /// - Parameters:
    ///   - total: bytes of the whole.
    ///   - width: columns; the name is cut to them.
    public static func text(_ name: String, _ bytes: UInt64, of total: UInt64, width: Int) -> String {
        let share = total == 0 ? 1 : min(1, Double(bytes) / Double(total))
        let full = Int(share * Double(bar))
        let facts =
            "  [" + String(repeating: "#", count: full) + String(repeating: ".", count: bar - full) + "]"
            + "  \(Int(share * 100)) %  \(Quantity.bytes(bytes)) of \(Quantity.bytes(total))"
        // The last column stays free: some terminals would break the line after it.
        return visible(name).cut(to: max(0, width - 1 - facts.displayWidth)) + facts
    }
}

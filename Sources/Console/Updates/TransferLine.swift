internal import Configuration

/// One line of progress: `main.hsb  [#########-----------]  45 %  4.1 MiB  12 MiB/s`.
public enum TransferLine {
    /// - Parameter total: nil where it is not known: then there is no bar.
    public static func text(_ label: String, _ bytes: UInt64, of total: UInt64?, seconds: Double) -> String {
        let rate = seconds > 0 ? "  \(Quantity.bytes(UInt64(Double(bytes) / seconds)))/s" : ""
        guard let total, total > 0 else { return "\(visible(label))  \(Quantity.bytes(bytes))\(rate)" }
        let share = min(1, Double(bytes) / Double(total))
        let full = Int(share * 20)
        let bar = String(repeating: "#", count: full) + String(repeating: "-", count: 20 - full)
        return "\(visible(label))  [\(bar)]  \(Int(share * 100)) %  \(Quantity.bytes(bytes))\(rate)"
    }
}

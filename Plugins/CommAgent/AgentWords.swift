import UpdateTrust

/// What is said to people. Pure.
enum AgentWords {
    /// `Definitions 20261128.1 are active: 40,000 signatures, by a delta of 108 KB instead of 4.1 MB.`
    static func activated(_ set: DefinitionsSet, signatures: Int, _ traffic: Staging.Traffic) -> String {
        var text = "Definitions \(set.version) are active: \(grouped(signatures)) signatures"
        if traffic.delta > 0, traffic.instead > 0 {
            text += ", by a delta of \(size(traffic.delta)) instead of \(size(traffic.instead))"
            if traffic.full > 0 { text += " and \(size(traffic.full)) of whole files" }
        } else if traffic.full > 0 {
            text += ", \(size(traffic.full)) fetched"
        }
        return text + "."
    }

    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        return String(
            digits.enumerated().flatMap { index, digit -> [Character] in
                index > 0 && (digits.count - index).isMultiple(of: 3) ? [",", digit] : [digit]
            })
    }

    /// In powers of ten, as networks count: `108 KB`, `4.1 MB`.
    static func size(_ bytes: UInt64) -> String {
        for (unit, size) in [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000)] as [(String, UInt64)]
        where bytes >= size {
            let tenths = bytes / (size / 10)
            return tenths >= 100 || tenths.isMultiple(of: 10)
                ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(bytes) bytes"
    }
}

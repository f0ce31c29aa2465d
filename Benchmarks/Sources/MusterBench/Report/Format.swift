/// Numbers as people read them.
enum Format {
    /// `1,234,567`, `-12`.
    static func count(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return (value < 0 ? "-" : "") + String(digits)
    }

    static func count(_ value: Double) -> String {
        value.isFinite && value.magnitude < 1e15 ? count(Int(value.rounded())) : "\(value)"
    }

    /// With so many decimals: `1.25`.
    static func number(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, value.magnitude < 1e12 else { return "\(value)" }
        var scale = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + count(scaled) }
        let fraction = String(scaled % scale)
        return sign + count(scaled / scale) + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }

    /// `1.25×`.
    static func ratio(_ value: Double) -> String { number(value, decimals: 2) + "×" }
    /// `+1.8 %`, of a fraction.
    static func percent(_ fraction: Double) -> String {
        (fraction >= 0 ? "+" : "") + number(fraction * 100, decimals: 1) + " %"
    }
    /// `12.3 ms`, of nanoseconds.
    static func milliseconds(_ nanoseconds: Double) -> String { number(nanoseconds / 1e6, decimals: 1) + " ms" }
    /// `9.8 MB` (1 MB = 1024 KB here, as in smaps), of bytes.
    static func megabytes(_ bytes: Double) -> String { number(bytes / 1_048_576, decimals: 1) + " MB" }
}

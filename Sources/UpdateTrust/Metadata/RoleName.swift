/// Names of roles as they are in URLs and file names.
public enum RoleName {
    public static let root = "root"
    public static let timestamp = "timestamp"
    public static let snapshot = "snapshot"
    public static let targets = "targets"

    static let topLevel = [root, timestamp, snapshot, targets]

    /// Percent-encoded but for letters, digits, `-`, `_`, `~` and `.` (RFC 3986 section 2.3), so that a slash, `?` or `#`
    /// is no part of a path. `.` and `..` are kept from being folders by the `.json` behind them.
    public static func encoded(_ role: String) -> String {
        var text = ""
        for byte in role.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"),
                UInt8(ascii: "."):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text
    }
}

import Glibc

/// Where a server of the fleet answers: `server.example.org:50000`, `192.0.2.7:50000`, `[2001:db8::7]:50000`.
public struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name or number, without brackets.
    public var host: String
    public var port: Int

    public static let clientPort = 50_000
    public static let sweepPort = 50_001
    public static let pollPort = 50_002

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads what `description` writes; without a port it is `defaultPort`.
    public init(_ text: String, defaultPort: Int = clientPort) throws(FleetIdentityError) {
        let wrong = FleetIdentityError(
            "'\(NetworkName.printable(text))' is not where a server can be reached: write HOST or HOST:PORT, and an IPv6 "
                + "address in brackets")
        var host = text[...]
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw wrong }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":"), host.contains(":") else { throw wrong }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if text.filter({ $0 == ":" }).count == 1, let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard NetworkName.isAddress(String(host)) || NetworkName.isHost(String(host)) else { throw wrong }
        self.host = String(host)
        guard let port else {
            self.port = defaultPort
            return
        }
        guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port),
            (1...65_535).contains(number)
        else { throw wrong }
        self.port = number
    }

    /// As it stands in a URL.
    public var description: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}

enum NetworkName {
    static func isAddress(_ text: String) -> Bool {
        guard !text.utf8.contains(0) else { return false }
        var bytes = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1
    }

    /// Labels of letters, digits, hyphens and underscores (which some private networks use).
    static func isHost(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }

    /// What is quoted in a sentence: short, and nothing that a terminal would obey.
    static func printable(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(80).map { $0.isASCII && $0.value >= 0x20 && $0.value < 0x7F ? $0 : "?" }
        var result = String.UnicodeScalarView(shown)
        if text.unicodeScalars.count > 80 { result.append(contentsOf: "…".unicodeScalars) }
        return String(result)
    }
}

internal import Fleet

/// A request to the company server.
struct AdminCall: Sendable {
    var method = "GET"
    var service: AdminService
    /// Parts of the path, not yet escaped.
    var path: [String]
    var query: [(name: String, value: String?)] = []
    /// JSON.
    var body: [UInt8]?
    /// What it selects, for the caret under a mistake.
    var selector: String?
    var accepts = "application/json"

    init(_ service: AdminService, _ path: String..., method: String = "GET") {
        self.method = method
        self.service = service
        self.path = path
    }

    func url(at address: ServerAddress) -> String {
        let query = query.compactMap { name, value in value.map { "\(name)=\(Self.escaped($0))" } }
        return "https://\(address)/" + path.map(Self.escaped).joined(separator: "/")
            + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    /// All but the unreserved characters of RFC 3986 section 2.3 as `%XX`.
    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var shown: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                shown.append(byte)
            default: shown += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: shown, as: UTF8.self)
    }
}

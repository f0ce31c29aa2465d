/// What a request's host and target may be.
enum RequestRules {
    /// Host = uri-host [ ":" port ], not empty (RFC 9110 section 7.2, RFC 3986 section 3.2.2).
    static func isHost(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = 0
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")), end > 1 else { return false }
            for byte in text[1..<end] where !isAddressByte(byte) { return false }
            index = end + 1
        } else {
            while index < text.count, text[index] != UInt8(ascii: ":") {
                guard isNameByte(text[index]) else { return false }
                if text[index] == UInt8(ascii: "%") {
                    guard index + 2 < text.count, isHexadecimal(text[index + 1]), isHexadecimal(text[index + 2]) else {
                        return false
                    }
                }
                index += 1
            }
            guard index > 0 else { return false }
        }
        guard index < text.count else { return true }
        guard text[index] == UInt8(ascii: ":") else { return false }
        let port = text[(index + 1)...]
        guard port.count <= 5, port.allSatisfy(isDigit) else { return false }
        return port.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 65_535
    }

    /// Checks the target and brings an absolute form into origin form, its authority in the place of the Host field
    /// (RFC 9112 section 3.2).
    static func normaliseTarget(of head: HTTPRequestHead, allowsAsterisk: Bool) -> HTTPViolation? {
        let target = head.slice(head.targetRange)
        for byte in target where byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "#") { return .badTarget }
        if target.first == UInt8(ascii: "/") { return nil }
        if target.count == 1, target.first == UInt8(ascii: "*") { return allowsAsterisk ? nil : .badTarget }
        guard let authorityStart = schemeLength(target) else { return .badTarget }
        let rest = target[authorityStart...]
        let end =
            rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? target.count
        let authority = UnsafeBufferPointer(rebasing: target[authorityStart..<end])
        guard isHost(authority) else { return .badTarget }
        let whole = head.targetRange
        head.authorityRange = .init(start: whole.start + authorityStart, count: authority.count)
        if end < target.count, target[end] == UInt8(ascii: "/") {
            head.targetRange = .init(start: whole.start + end, count: whole.count - end)
            return nil
        }
        appendTarget(of: head, query: .init(start: whole.start + end, count: whole.count - end), allowsAsterisk)
        return nil
    }

    /// An absolute form without a path: `/` goes before its query, and for OPTIONS `*` stands for none.
    private static func appendTarget(of head: HTTPRequestHead, query: HTTPRequestHead.Range, _ allowsAsterisk: Bool) {
        let start = head.count
        head.append(allowsAsterisk && query.count == 0 ? UInt8(ascii: "*") : UInt8(ascii: "/"))
        for offset in 0..<query.count { head.append(head.bytes[query.start + offset]) }
        head.targetRange = .init(start: start, count: head.count - start)
    }

    private static func schemeLength(_ target: UnsafeBufferPointer<UInt8>) -> Int? {
        let plain: StaticString = "http://"
        let secure: StaticString = "https://"
        for scheme in [plain, secure] where target.count > scheme.utf8CodeUnitCount {
            let start = UnsafeBufferPointer(rebasing: target[..<scheme.utf8CodeUnitCount])
            if equalsIgnoringCase(start, scheme) { return scheme.utf8CodeUnitCount }
        }
        return nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        isHexadecimal(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    /// unreserved / sub-delims / "%"
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "%"),
            UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"),
            UInt8(ascii: "="):
            true
        default: false
        }
    }
}

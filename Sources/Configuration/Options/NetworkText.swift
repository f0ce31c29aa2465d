internal import Glibc

/// Absolute http and https URLs (RFC 3986, RFC 9110 section 4.2).
enum URLText {
    /// The text itself, once it is known to be one.
    static func check(_ text: String) throws(ScalarProblem) -> String {
        guard let scheme = ["https://", "http://"].first(where: { text.lowercased().hasPrefix($0) }) else {
            if let colon = text.range(of: "://") {
                throw ScalarProblem("\(quoted(String(text[..<colon]))) is not a scheme that is supported")
            }
            throw ScalarProblem("it has to begin with https:// or http://")
        }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        let authority = rest.prefix { !"/?#".utf8.contains($0) }
        if authority.contains(UInt8(ascii: "@")) {
            throw ScalarProblem("a user name or password does not belong in a URL; use an option made for secrets")
        }
        guard rest.dropFirst(authority.count).allSatisfy(isAllowed) else {
            throw ScalarProblem("blanks and characters beyond ASCII are written as %20 and the like")
        }
        guard let authority = String(Substring(authority)).nilIfEmpty else { throw ScalarProblem("it has no host") }
        try HostAndPort.checkAuthority(authority)
        return text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        byte.isLetter || byte.isDigit || "-._~:/?#[]@!$&'()*+,;=%".utf8.contains(byte)
    }
}

/// An address with a port to connect to: `updates.example.com:443`, `10.0.0.1:443`, `[2001:db8::1]:443`.
enum AddressText {
    static func check(_ text: String) throws(ScalarProblem) -> String {
        let parts = try HostAndPort(text)
        guard parts.port > 0 else { throw ScalarProblem("a port is a number from 1 to 65535") }
        if parts.isBracketed {
            guard NumericAddress.ipv6(parts.host) != nil else {
                throw ScalarProblem("\(quoted(parts.host)) is not an IPv6 address")
            }
        } else if NumericAddress.ipv4(parts.host) == nil {
            try HostAndPort.checkName(parts.host)
        }
        return text
    }
}

/// A text split at the colon before its port.
struct HostAndPort {
    var host: String
    var isBracketed: Bool
    var port: UInt16

    init(_ text: String) throws(ScalarProblem) {
        guard let colon = text.lastIndex(of: ":") else {
            throw ScalarProblem("the port is missing; write \(text.prefix(60)):443")
        }
        let digits = text[text.index(after: colon)...]
        var host = text[..<colon]
        isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            if NumericAddress.ipv6(host) != nil { throw ScalarProblem("write [\(host)]\(text[colon...])") }
            if NumericAddress.ipv6(text) != nil { throw ScalarProblem("write [\(text)]:443") }
            throw ScalarProblem("an IPv6 address is put in brackets: [::1]:443")
        } else if host.contains("[") || host.contains("]") {
            throw ScalarProblem(digits.contains("]") ? "the port is missing after the bracket" : nil)
        }
        port = try Self.port(digits)
        if host.isEmpty { throw ScalarProblem("the host is missing before ':'") }
        self.host = String(host)
    }

    static func port(_ digits: some StringProtocol) throws(ScalarProblem) -> UInt16 {
        guard !digits.isEmpty, digits.utf8.allSatisfy(\.isDigit), let port = UInt16(digits) else {
            throw ScalarProblem("a port is a number up to 65535")
        }
        return port
    }

    /// A URL's host, with or without a port.
    static func checkAuthority(_ text: String) throws(ScalarProblem) {
        if text.hasPrefix("["), text.hasSuffix("]") {
            guard NumericAddress.ipv6(text.dropFirst().dropLast()) != nil else {
                throw ScalarProblem("\(quoted(text)) is not an IPv6 address")
            }
        } else if text.contains(":") {
            _ = try AddressText.check(text)
        } else if NumericAddress.ipv4(text) == nil {
            try checkName(text)
        }
    }

    /// RFC 1123 section 2.1: letters, digits and hyphens in labels of up to 63, 253 in all.
    static func checkName(_ name: String) throws(ScalarProblem) {
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            !label.isEmpty && label.count <= 63 && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
        // A last label of digits alone is an IPv4 address that is wrong.
        guard isName, name.utf8.count <= 253, !(labels.last?.allSatisfy(\.isDigit) ?? true) else {
            throw ScalarProblem("\(quoted(name)) is neither a host name nor an IP address")
        }
    }
}

/// IP addresses in numbers, in the one form that compares equal.
enum NumericAddress {
    static func ipv4(_ text: some StringProtocol) -> String? { canonical(text, family: AF_INET) }

    /// Without a zone: `fe80::1%eth0` is none.
    static func ipv6(_ text: some StringProtocol) -> String? { canonical(text, family: AF_INET6) }

    private static func canonical(_ text: some StringProtocol, family: Int32) -> String? {
        // A NUL would end the text for inet_pton before its end.
        guard text.utf8.count < Int(INET6_ADDRSTRLEN), !text.utf8.contains(0) else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { address in
            guard let start = address.baseAddress, inet_pton(family, String(text), start) == 1 else { return nil }
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { name in
                guard inet_ntop(family, start, name.baseAddress, socklen_t(name.count)) != nil else { return nil }
                return name.baseAddress.map { String(cString: $0) }
            }
        }
    }
}

extension String {
    var nilIfEmpty: String? { isEmpty ? nil : self }

    /// The first place of a short text.
    func range(of needle: String) -> String.Index? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(needle) { return index }
            index = self.index(after: index)
        }
        return nil
    }
}

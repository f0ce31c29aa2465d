/// A number of bytes, written `512`, `64KiB`, `10MB`.
public struct ByteCount: BoundedOption, Hashable {
    public var bytes: Int

    public init(bytes: Int) { self.bytes = bytes }
    public static func bytes(_ count: Int) -> Self { Self(bytes: count) }
    public static func kibibytes(_ count: Int) -> Self { Self(bytes: count << 10) }
    public static func mebibytes(_ count: Int) -> Self { Self(bytes: count << 20) }
    public static func gibibytes(_ count: Int) -> Self { Self(bytes: count << 30) }

    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }

    public static var optionType: OptionType { OptionType(.bytes) }
    public init?(optionInput: OptionInput) {
        guard let bytes = optionInput.integer(.bytes), let bytes = Int(exactly: bytes), bytes >= 0 else { return nil }
        self.bytes = bytes
    }
    public var optionText: String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] where bytes != 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }
}

/// The path of a file or folder. A relative one was resolved by the host against the configuration file's folder.
public struct Path: OptionConvertible, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    public var string: String

    public init(_ string: String) { self.string = string }
    public init(stringLiteral: String) { string = stringLiteral }
    public var description: String { string }

    public static var optionType: OptionType { OptionType(.path) }
    public init?(optionInput: OptionInput) {
        guard let text = optionInput.text(.path), !text.utf8.contains(0) else { return nil }
        string = text
    }
    public var optionText: String { string.quotedForYAML }
}

/// An absolute http or https URL, checked by the host.
public struct WebURL: OptionConvertible, Hashable, CustomStringConvertible {
    public var string: String

    public init(_ string: String) { self.string = string }
    public var description: String { string }

    public static var optionType: OptionType { OptionType(.url) }
    public init?(optionInput: OptionInput) {
        guard let text = optionInput.text(.url) else { return nil }
        string = text
    }
    public var optionText: String { string.quotedForYAML }
}

/// An address and port: `192.0.2.7:514`, `[2001:db8::7]:514`.
public struct HostAndPort: OptionConvertible, Hashable, CustomStringConvertible {
    /// Without brackets.
    public let host: String
    public let port: UInt16

    /// nil unless `text` is `host:port` or `[v6]:port`.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.first == "[" {
            guard host.last == "]" else { return nil }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    public static var optionType: OptionType { OptionType(.address) }
    public init?(optionInput: OptionInput) {
        guard let text = optionInput.text(.address) else { return nil }
        self.init(text)
    }
    public var optionText: String { description.quotedForYAML }
}

/// An enum whose raw values are the words the operator may write.
public protocol OptionChoice: OptionConvertible, CaseIterable, RawRepresentable where RawValue == String {}

extension OptionChoice {
    public static var optionType: OptionType { OptionType(.enum, choices: allCases.map(\.rawValue)) }
    public init?(optionInput: OptionInput) {
        guard let word = optionInput.text(.enum) else { return nil }
        self.init(rawValue: word)
    }
    public var optionText: String { rawValue.quotedForYAML }
}

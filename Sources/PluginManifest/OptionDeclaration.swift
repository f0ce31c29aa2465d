/// The type of an option; what each looks like in YAML is said at `MUSTER_TYPE_…` in `muster/core.h`.
public enum OptionType: String, Codable, Equatable, Sendable, CaseIterable {
    case bool, integer, number, string, duration, bytes, path, url, `enum`, address, list
}

/// One option that a plugin reads from `components.<Name>.config`: the Swift side of `muster_option`.
///
/// Default and bounds are text in the syntax the operator writes, so that one parser reads them all and the manual can
/// print them.
public struct OptionDeclaration: Codable, Equatable, Sendable {
    /// Dotted; a dot makes a group.
    public var name: String
    public var type: OptionType
    /// The type of a list's items; nil unless `type` is `list`.
    public var itemType: OptionType?
    public var isRequired: Bool
    public var isSecret: Bool
    /// YAML; nil where there is no default.
    public var defaultValue: String?
    public var minimum: String?
    public var maximum: String?
    /// What a plain number counts; nil where the type says it.
    public var unit: String?
    /// One line that ends with a full stop.
    public var help: String
    /// The allowed words of an enum.
    public var choices: [String]

    public init(
        name: String, type: OptionType, itemType: OptionType? = nil, isRequired: Bool = false, isSecret: Bool = false,
        defaultValue: String? = nil, minimum: String? = nil, maximum: String? = nil, unit: String? = nil,
        help: String, choices: [String] = []
    ) {
        self.name = name
        self.type = type
        self.itemType = itemType
        self.isRequired = isRequired
        self.isSecret = isSecret
        self.defaultValue = defaultValue
        self.minimum = minimum
        self.maximum = maximum
        self.unit = unit
        self.help = help
        self.choices = choices
    }
}

/// The checked value of an option: the Swift side of `muster_value`.
public indirect enum OptionValue: Codable, Equatable, Sendable {
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    /// Nanoseconds, not negative.
    case duration(Int64)
    /// A number of bytes, not negative.
    case bytes(Int64)
    case path(String)
    case url(String)
    case `enum`(String)
    /// `host:port` or `[v6]:port`.
    case address(String)
    case list([OptionValue])
}

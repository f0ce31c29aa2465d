/// A Swift type that an option can have.
///
/// Conforming: `Bool`, `Int`, `Double`, `String`, `Duration`, `ByteCount`, `Path`, `WebURL`, `HostAndPort`, arrays of
/// these, optionals of these (an option without a default that may be left out), and every enum that adopts
/// `OptionChoice`.
public protocol OptionConvertible: Sendable {
    /// How the manifest declares the type.
    static var optionType: OptionType { get }
    /// The value in memory where the operator gives none and there is no default; nil where one is needed.
    static var absent: Self? { get }
    /// The value that the host handed over; nil where it does not fit.
    init?(optionInput: OptionInput)
    /// The value as the operator would write it: YAML.
    var optionText: String { get }
}

extension OptionConvertible {
    public static var absent: Self? { nil }
}

/// An option whose values have an order, and therefore bounds.
public protocol BoundedOption: OptionConvertible, Comparable {}

/// An option whose values have a length, and therefore bounds of it: characters of a text, items of a list.
public protocol MeasuredOption: OptionConvertible {}

/// The type of an option, as the manifest declares it.
public struct OptionType: Sendable, Equatable {
    /// The types of the ABI, under their names in the manual.
    public enum Kind: UInt32, Sendable {
        case bool = 1, integer, number, string, duration, bytes, path, url, `enum`, address, list
    }

    public var kind: Kind
    /// The type of a list's items.
    public var item: Kind?
    /// The words of an enum or of a list of them.
    public var choices: [String]

    public init(_ kind: Kind, item: Kind? = nil, choices: [String] = []) {
        self.kind = kind
        self.item = item
        self.choices = choices
    }
}

/// A checked value as the host hands it over.
public struct OptionInput: Sendable, Equatable {
    /// What the value is made of.
    public enum Payload: Sendable, Equatable {
        case bool(Bool)
        /// Also a duration, in nanoseconds, and a number of bytes.
        case integer(Int64)
        case number(Double)
        case text(String)
        case list([OptionInput])
    }

    public var kind: OptionType.Kind
    public var payload: Payload

    public init(kind: OptionType.Kind, payload: Payload) {
        self.kind = kind
        self.payload = payload
    }

    /// The text of a value of `kind`.
    public func text(_ kind: OptionType.Kind) -> String? {
        guard self.kind == kind, case .text(let text) = payload else { return nil }
        return text
    }

    /// The whole number of a value of `kind`.
    public func integer(_ kind: OptionType.Kind) -> Int64? {
        guard self.kind == kind, case .integer(let number) = payload else { return nil }
        return number
    }
}

import Synchronization

/// One option that the operator may set in `components.<Name>.config`, declared where it is used.
///
///     struct Settings: OptionGroup {
///         @Option(in: 1...65536, unit: "files", help: "How many files are kept open.") var openFiles = 1024
///         @Option(help: "The folder that is served.") var root: Path      // no default: required
///         @Option(help: "Who to tell.") var contact: String?              // may be left out
///         let cache = Cache()                                             // a group: `cache: {…}`
///     }
///
/// Its name is the property's in lower-case words, `open_files`, unless `name` gives another. The host checks the
/// operator's YAML against the declaration before the plugin sees a value. An array must give the empty one as its
/// default to be optional.
@propertyWrapper
public struct Option<Value: OptionConvertible>: Sendable {
    let declaration: OptionDeclaration
    let defaultValue: Value?
    let loaded = LoadedOption<Value>()

    /// The operator's value, else the default. Reading a required option of a group that the host did not fill is a
    /// mistake of the program and ends it.
    public var wrappedValue: Value {
        if let content = loaded.content.load() { return content.value }
        guard let value = defaultValue ?? Value.absent else {
            preconditionFailure("A required option was read from a group of options that the host did not fill.")
        }
        return value
    }

    /// The option itself, to blame it: `throw options.$root.error("…")`.
    public var projectedValue: OptionReference {
        OptionReference(name: loaded.content.load()?.name ?? declaration.name ?? "")
    }

    init(_ defaultValue: Value?, _ declaration: OptionDeclaration) {
        var declaration = declaration
        declaration.type = Value.optionType
        declaration.isRequired = defaultValue == nil && Value.absent == nil
        declaration.defaultText = defaultValue?.optionText
        self.defaultValue = defaultValue
        self.declaration = declaration
    }

    /// An option with a default.
    public init(
        wrappedValue: Value, name: String? = nil, unit: String = "", isSecret: Bool = false, help: String
    ) {
        self.init(wrappedValue, OptionDeclaration(name: name, unit: unit, isSecret: isSecret, help: help))
    }

    /// An option without a default: required, unless its type is optional.
    public init(name: String? = nil, unit: String = "", isSecret: Bool = false, help: String) {
        self.init(nil, OptionDeclaration(name: name, unit: unit, isSecret: isSecret, help: help))
    }
}

extension Option where Value: BoundedOption {
    /// An option with a default and bounds.
    public init(
        wrappedValue: Value, name: String? = nil, in bounds: ClosedRange<Value>, unit: String = "", help: String
    ) {
        self.init(wrappedValue, OptionDeclaration(name: name, unit: unit, bounds: bounds, help: help))
    }

    /// A required option with bounds.
    public init(name: String? = nil, in bounds: ClosedRange<Value>, unit: String = "", help: String) {
        self.init(nil, OptionDeclaration(name: name, unit: unit, bounds: bounds, help: help))
    }
}

extension Option where Value: MeasuredOption {
    /// An option with a default and bounds of its length: characters of a text, items of a list.
    public init(
        wrappedValue: Value, name: String? = nil, length: ClosedRange<Int>, isSecret: Bool = false, help: String
    ) {
        self.init(wrappedValue, OptionDeclaration(name: name, isSecret: isSecret, bounds: length, help: help))
    }

    /// A required option with bounds of its length.
    public init(name: String? = nil, length: ClosedRange<Int>, isSecret: Bool = false, help: String) {
        self.init(nil, OptionDeclaration(name: name, isSecret: isSecret, bounds: length, help: help))
    }
}

/// Options that belong together. Every stored property is an `@Option` or a group of its own.
public protocol OptionGroup: Sendable {
    init()
}

/// For a plugin without options.
public struct NoOptions: OptionGroup {
    public init() {}
}

/// An option, to blame it.
public struct OptionReference: Sendable {
    /// Dotted: `cache.open_files`.
    public let name: String

    /// An error that says the operator's value is wrong: the host adds file, line and column and waits for a reload.
    public func error(_ message: String) -> PluginError {
        PluginError(message, kind: .configuration, option: name)
    }
}

/// What an `@Option` says of itself, before a group gives it its full name.
struct OptionDeclaration: Sendable {
    var name: String?
    var type = OptionType(.string)
    var unit = ""
    var isSecret = false
    var isRequired = false
    var defaultText: String?
    var minimum: String?
    var maximum: String?
    var help: String

    init(name: String?, unit: String = "", isSecret: Bool = false, help: String) {
        self.name = name
        self.unit = unit
        self.isSecret = isSecret
        self.help = help
    }

    init(
        name: String?, unit: String = "", isSecret: Bool = false, bounds: ClosedRange<some OptionConvertible>,
        help: String
    ) {
        self.init(name: name, unit: unit, isSecret: isSecret, help: help)
        minimum = bounds.lowerBound.optionText
        maximum = bounds.upperBound.optionText
    }
}

/// Where an option's value arrives: written once, in prepare, before the plugin's own code sees the group.
final class LoadedOption<Value: OptionConvertible>: Sendable {
    final class Content: Sendable {
        let name: String
        let value: Value

        init(name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    let content = AtomicLazyReference<Content>()
}

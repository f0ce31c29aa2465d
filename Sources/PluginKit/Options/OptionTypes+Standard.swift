extension Bool: OptionConvertible {
    public static var optionType: OptionType { OptionType(.bool) }
    public init?(optionInput: OptionInput) {
        guard optionInput.kind == .bool, case .bool(let flag) = optionInput.payload else { return nil }
        self = flag
    }
    public var optionText: String { self ? "true" : "false" }
}

extension Int: BoundedOption {
    public static var optionType: OptionType { OptionType(.integer) }
    public init?(optionInput: OptionInput) {
        guard let number = optionInput.integer(.integer) else { return nil }
        self.init(exactly: number)
    }
    public var optionText: String { "\(self)" }
}

extension Double: BoundedOption {
    public static var optionType: OptionType { OptionType(.number) }
    public init?(optionInput: OptionInput) {
        guard optionInput.kind == .number, case .number(let number) = optionInput.payload else { return nil }
        self = number
    }
    public var optionText: String { "\(self)" }
}

extension String: MeasuredOption {
    public static var optionType: OptionType { OptionType(.string) }
    public init?(optionInput: OptionInput) {
        guard let text = optionInput.text(.string) else { return nil }
        self = text
    }
    public var optionText: String { quotedForYAML }
}

extension Duration: BoundedOption {
    public static var optionType: OptionType { OptionType(.duration) }
    public init?(optionInput: OptionInput) {
        guard let nanoseconds = optionInput.integer(.duration), nanoseconds >= 0 else { return nil }
        self = .nanoseconds(nanoseconds)
    }
    /// In the greatest units that give it exactly: `1h30m`, `250ms`. Below a millisecond it is cut to microseconds.
    public var optionText: String {
        var rest = wholeNanoseconds / 1000
        var text = ""
        for (unit, length) in [
            ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000), ("us", 1),
        ] as [(String, UInt64)] where rest >= length {
            text += "\(rest / length)\(unit)"
            rest %= length
        }
        return text.isEmpty ? "0s" : text
    }

    /// Nanoseconds, not negative, at most what UInt64 holds.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (scaled, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = scaled.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return overflow || carry ? .max : sum
    }
}

extension Array: OptionConvertible where Element: OptionConvertible {
    /// An item is not a list itself: the manifest has no type for that, and the host refuses it.
    public static var optionType: OptionType {
        OptionType(.list, item: Element.optionType.kind, choices: Element.optionType.choices)
    }
    public init?(optionInput: OptionInput) {
        guard optionInput.kind == .list, case .list(let inputs) = optionInput.payload else { return nil }
        self = []
        reserveCapacity(inputs.count)
        for input in inputs {
            guard let element = Element(optionInput: input) else { return nil }
            append(element)
        }
    }
    public var optionText: String { "[" + map(\.optionText).joined(separator: ", ") + "]" }
}

extension Array: MeasuredOption where Element: OptionConvertible {}

extension Optional: OptionConvertible where Wrapped: OptionConvertible {
    public static var optionType: OptionType { Wrapped.optionType }
    public static var absent: Self? { .some(nil) }
    public init?(optionInput: OptionInput) {
        guard let value = Wrapped(optionInput: optionInput) else { return nil }
        self = .some(value)
    }
    public var optionText: String { self?.optionText ?? "" }
}

extension String {
    /// As a double-quoted YAML scalar.
    var quotedForYAML: String {
        var quoted = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case "$": quoted += "\\x24"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                quoted += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

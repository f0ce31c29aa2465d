import ControlProtocol

/// One line of the log; several where the supervisor shows a place in a file.
struct LogEntry: Sendable {
    var time: WallClock
    var level: LogLevel
    /// nil: the host itself.
    var component: String?
    var generation: UInt64?
    var message: String
    var fields: [LogRecord.Field] = []
    /// Line breaks in the message are the supervisor's own and are kept.
    var hasLineBreaks = false
}

/// How entries are written.
enum LogFormat: Sendable {
    /// For people: `2026-11-22T22:01:02.003Z notice  UpdateDistributor#3: message key=value`.
    case text
    /// For machines: an object a line.
    case json
    /// Text for journald, which has the time itself: the priority in front (sd-daemon(3)).
    case journal

    func line(_ entry: LogEntry) -> String {
        switch self {
        case .text: "\(entry.time.text) \(entry.level.padded) \(entry.sentence)\n"
        case .journal: entry.sentence.split(separator: "\n").map { "<\(entry.level.priority)>\($0)\n" }.joined()
        case .json: entry.object + "\n"
        }
    }
}

extension LogEntry {
    fileprivate var sentence: String {
        var text = ""
        if let component {
            text += printable(component) + (generation.map { "#\($0)" } ?? "") + ": "
        }
        text += printable(message, keepingLineBreaks: hasLineBreaks)
        for field in fields {
            let value = printable(field.value)
            let isPlain = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" }
            text += " \(printable(field.key))=\(isPlain ? value : "\"\(value)\"")"
        }
        return text
    }

    fileprivate var object: String {
        var text = "{\"time\":\"\(time.text)\",\"level\":\"\(level.rawValue)\""
        if let component { text += ",\"component\":\(quoted(component))" }
        if let generation { text += ",\"generation\":\(generation)" }
        text += ",\"message\":\(quoted(message))"
        if !fields.isEmpty {
            let members = fields.map { "\(quoted($0.key)):\(quoted($0.value))" }
            text += ",\"fields\":{\(members.joined(separator: ","))}"
        }
        return text + "}"
    }
}

extension LogLevel {
    /// Of equal width, so that the messages stand below one another.
    fileprivate var padded: String {
        rawValue + String(repeating: " ", count: max(0, 8 - rawValue.utf8.count))
    }

    /// Of syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

/// The text with everything escaped that could move a terminal's cursor, forge a line or turn the writing around.
func printable(_ text: String, keepingLineBreaks: Bool = false) -> String {
    guard text.unicodeScalars.contains(where: \.isUnprintable) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n" where keepingLineBreaks: result.unicodeScalars.append(scalar)
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where scalar.isUnprintable: result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// A JSON string (RFC 8259, section 7).
private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case _ where scalar.isUnprintable && scalar.value < 0x10000:
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

extension Unicode.Scalar {
    /// Control characters, and the formatting ones that reorder what follows.
    fileprivate var isUnprintable: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

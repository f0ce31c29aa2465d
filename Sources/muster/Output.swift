internal import Console
internal import Fleet
internal import FoundationEssentials
internal import Glibc

/// Where the command writes: answers to the standard output, problems to the standard error.
enum Output {
    static let environment = ProcessInfo.processInfo.environment

    /// What the standard output can show, now: a window may change its size.
    static var terminal: Terminal { Terminal.of(STDOUT_FILENO, environment: environment) }

    static var errorTerminal: Terminal { Terminal.of(STDERR_FILENO, environment: environment) }

    /// Text without a final line break.
    static func show(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// Text as it is: frames of a redraw.
    static func draw(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Diagnostics or the like, which are neither an answer nor a problem of this command.
    static func complain(_ text: (_ usesColor: Bool) -> String) {
        write(text(errorTerminal.usesColor) + "\n", to: STDERR_FILENO)
    }

    static func problem(_ problem: CommandProblem) {
        let terminal = errorTerminal
        let excerpt = problem.selector.map { SelectorView($0.text, column: $0.column).render(on: terminal) }
        let text = ProblemLine.text(problem.message, excerpt: excerpt, advice: problem.advice, on: terminal)
        write(text + "\n", to: STDERR_FILENO)
    }

    /// Text as it is, on the standard error: what shows that something is under way.
    static func drawError(_ text: String) { if !text.isEmpty { write(text, to: STDERR_FILENO) } }

    /// One line, whatever another machine has put into it.
    static func showLine(_ text: String) { show(shownLine(text)) }

    /// A value for a script: the same keys in the same order each time.
    static func showJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
        show(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// What the fleet says, with the keys that its ports use (`open_detections`).
    static func showFleetJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        show(JSONText.shown(String(decoding: try encoder.encode(value), as: UTF8.self)))
    }

    /// The same on one line, of many; false where nobody reads any more.
    static func showJSONLine(_ value: some Encodable) -> Bool {
        guard let line = try? FleetJSON.encode(value) else { return true }
        return write(JSONText.shown(String(decoding: line, as: UTF8.self)) + "\n", to: STDOUT_FILENO)
    }

    /// Writes all of it, or stops where nobody reads any more: false.
    @discardableResult private static func write(_ text: String, to descriptor: CInt) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes = bytes.dropFirst(count)
            } else if errno == EAGAIN {
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&entry, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}

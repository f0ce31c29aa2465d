internal import Glibc

/// What an output can show: how wide it is, and whether it knows colours and cursor movement.
public struct Terminal: Equatable, Sendable {
    /// Columns; for a file or a pipe, wide enough that nothing is cut.
    public var width: Int
    /// Lines; as many as wanted for a file or a pipe.
    public var height: Int
    public var usesColor: Bool
    /// Whether a redraw may go over what was drawn before.
    public var movesCursor: Bool

    public init(width: Int, height: Int = .max, usesColor: Bool, movesCursor: Bool) {
        self.width = width
        self.height = height
        self.usesColor = usesColor
        self.movesCursor = movesCursor
    }

    /// A file or a pipe: all columns, plain text.
    public static let plain = Terminal(width: .max, usesColor: false, movesCursor: false)

    /// What `descriptor` is. Colours only on a terminal that is not dumb, and not where NO_COLOR is set to anything
    /// (no-color.org).
    public static func of(_ descriptor: CInt, environment: [String: String]) -> Terminal {
        guard isatty(descriptor) == 1 else { return .plain }
        var size = winsize()
        let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let width = isKnown ? Int(size.ws_col) : environment["COLUMNS"].flatMap { Int($0) } ?? 80
        let isDumb = (environment["TERM"] ?? "dumb") == "dumb"
        let isPlain = !(environment["NO_COLOR"] ?? "").isEmpty
        let height = isKnown && size.ws_row > 0 ? max(4, Int(size.ws_row)) : .max
        return Terminal(
            width: max(40, width), height: height, usesColor: !isDumb && !isPlain, movesCursor: !isDumb)
    }
}

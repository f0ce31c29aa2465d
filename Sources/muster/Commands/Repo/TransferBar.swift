internal import Console
internal import Glibc

/// How far a long copy or download is: a bar where the standard error is a terminal, nothing elsewhere.
struct TransferBar {
    private let label: String
    private let total: UInt64?
    private let isShown = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now
    private var hasDrawn = false

    init(_ label: String, total: UInt64? = nil) {
        self.label = label
        self.total = total
    }

    /// At most ten times a second, and not in the first half second: most are done by then.
    mutating func show(_ bytes: UInt64) {
        let now = ContinuousClock.now
        guard isShown, now - start > .milliseconds(500), now - shown > .milliseconds(100) else { return }
        shown = now
        hasDrawn = true
        Output.drawError(
            "\r\u{1B}[K" + TransferLine.text(label, bytes, of: total, seconds: (now - start) / .seconds(1)))
    }

    func end() { if hasDrawn { Output.drawError("\r\u{1B}[K") } }
}

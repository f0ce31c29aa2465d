internal import Console
internal import Locks

/// How far a copy or download is, on the standard error where that is a terminal, and only of one that lasts. Any thread.
final class TransferBar: Sendable {
    private let name: String
    private let length: UInt64
    private let began = ContinuousClock.now
    private let isDrawn = Locked(false)

    /// - Parameter length: bytes of the whole.
    init(_ name: String, of length: UInt64) {
        self.name = name
        self.length = length
    }

    func show(_ bytes: UInt64) {
        let terminal = Output.errorTerminal
        guard terminal.movesCursor, ContinuousClock.now - began >= .seconds(1) else { return }
        isDrawn.withLock { isDrawn in
            isDrawn = true
            let line = TransferLine.text(name, bytes, of: length, width: terminal.width)
            Output.drawError("\r\(line)\u{1B}[K")
        }
    }

    /// Takes the line away.
    func end() {
        isDrawn.withLock { isDrawn in
            if isDrawn { Output.drawError("\r\u{1B}[K") }
            isDrawn = false
        }
    }
}

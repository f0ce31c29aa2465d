/// What `muster fleet backup` says of the file it has written.
public enum BackupView {
    /// `9.4 MiB (9,856,614 bytes)`.
    public static func size(_ bytes: Int64) -> String {
        "\(Quantity.bytes(UInt64(clamping: bytes))) (\(SweepWords.grouped(Int(bytes))) bytes)"
    }
}

/// Text of another machine on one line, with nothing in it that a terminal obeys.
public func shownLine(_ text: String) -> String { oneLine(text) }

import ControlProtocol
import FoundationEssentials

/// The last receipt on disk, for a person who comes after the host has ended. The one in memory is what counts: a full
/// disk costs the file and nothing else.
enum ReceiptFile {
    static func write(_ receipt: ReloadReceipt, to path: String) throws(SystemError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let bytes = try? encoder.encode(receipt) else { throw SystemError("writing \(path)", number: 22) }
        try Files.replace(path, with: [UInt8](bytes) + [0x0A], mode: 0o600)
    }
}

// Bytes as JSON that may be signed: whatever they are, the parser answers, and what it has read is written so that it is
// read again as the same. Two clients that differ here would differ in what was signed.
import CFuzzer
import Glibc
import UpdateTrust

func judge(_ bytes: [UInt8]) {
    let value: JSON
    do throws(JSONSyntaxError) {
        value = try JSON(parsing: bytes)
    } catch {
        precondition(!error.description.isEmpty, "refused without a reason")
        return
    }
    let text = value.text
    guard let again = try? JSON(parsing: text) else { preconditionFailure("what was written is not read") }
    // Texts of Swift are equal though their bytes may not be; bytes are what is signed.
    precondition(again.text == text, "written anew, it is another text")
    precondition(again == value.ordered, "read again, it is another value")
    let canonical = value.canonical
    precondition(again.canonical == canonical, "read again, something else is signed")
    // With a control character in a text the canonical form is no JSON; otherwise it is the text.
    guard !canonical.contains(where: { $0 < 0x20 }) else { return }
    precondition(text == canonical, "the text is not the canonical form")
}

extension JSON {
    /// The same with the members of all objects in the order in which they are written.
    var ordered: JSON {
        switch self {
        case .null, .bool, .integer, .string: return self
        case .array(let items): return .array(items.map(\.ordered))
        case .object(let object):
            let members = object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            return .object(JSONObject(members.map { .init($0.key, $0.value.ordered) }))
        }
    }
}

/// The name that libFuzzer knows a target by.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    judge(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}

// SwiftPM makes this file the program's main, so it starts libFuzzer, whose own main would have done the same.
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(LLVMFuzzerRunDriver(&count, &arguments, testOneInput))

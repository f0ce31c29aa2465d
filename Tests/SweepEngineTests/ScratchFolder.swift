import Files
import Glibc
import Testing

@testable import SweepEngine

/// A folder of a test's own, removed with all that is in it, however deep.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/muster-sweep-XXXXXX\0".utf8).map { CChar(bitPattern: $0) }
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit { Self.remove(Array(path.utf8), in: AT_FDCWD) }

    func write(_ name: String, _ text: String) { write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        #expect(descriptor >= 0, "open \(name): \(String(cString: strerror(errno)))")
        #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
    }

    func makeFolder(_ name: String) { #expect(mkdir("\(path)/\(name)", 0o755) == 0) }

    /// By descriptors, and on the way up by `..`, since paths of these tests may be longer than the system takes.
    private static func remove(_ name: [UInt8], in parent: CInt) {
        guard let top = try? FileDescriptor.openFolder(at: parent, name) else { return }
        var stack: [[UInt8]] = []
        var current = dup(top.number)
        while true {
            let folder = FileDescriptor(owning: current)
            let names = (try? folder.names(upTo: 10_000) { _ in true }) ?? []
            var next: [UInt8]?
            for name in names where name.withCString({ unlinkat(folder.number, $0, 0) }) != 0 { next = name }
            if let next, let inner = try? FileDescriptor.openFolder(at: folder.number, next) {
                stack.append(next)
                current = dup(inner.number)
            } else if let last = stack.popLast(),
                let outer = try? FileDescriptor.openFolder(at: folder.number, Array("..".utf8))
            {
                _ = last.withCString { unlinkat(outer.number, $0, AT_REMOVEDIR) }
                current = dup(outer.number)
            } else {
                break
            }
        }
        _ = name.withCString { unlinkat(parent, $0, AT_REMOVEDIR) }
    }
}

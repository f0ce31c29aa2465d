import Glibc
import Testing
import UpdateTrust

@testable import UpdateAdmin

@Suite struct DownloadFolderTests {
    private let test: TestFolder

    init() throws { test = try TestFolder() }

    @Test func eachPathIsOneSafeNameOfItsOwn() throws {
        let folder = try DownloadFolder("\(test.path)/files")
        let long = String(repeating: "ü", count: 200)
        let paths = [
            "a", "a/b", "a%2Fb", "..", ".", "../a", ".a", "%2Ea", "/etc/passwd", "a\\b", "a\nb", "a?b", "#", "~a", long,
            long + "x", String(repeating: "a", count: 255), String(repeating: "a", count: 256),
        ]
        var names: Set<String> = []
        for path in paths {
            let file = try folder.file(of: path)
            let name = file.dropFirst(folder.path.count + 1)
            #expect(file.hasPrefix("\(folder.path)/"))
            #expect(!name.isEmpty && name.utf8.count <= 255)
            #expect(!name.contains("/") && !name.hasPrefix("."))
            let isNew = names.insert(String(name)).inserted
            #expect(isNew, "\(path) has the name of another")
        }
        #expect(try folder.file(of: "dir/main.hsb") == "\(folder.path)/dir%2Fmain.hsb")
        #expect(throws: UpdateError.self) { try folder.file(of: "") }
    }

    @Test func whatIsUnfinishedIsBesideItAndGoneWhenEmpty() throws {
        let folder = try DownloadFolder("\(test.path)/files/")
        #expect(folder.partialFolder.hasSuffix("/.files.partial"))
        #expect(!folder.partialFolder.hasPrefix("\(folder.path)/"))
        mkdir(folder.partialFolder, 0o755)
        folder.tidy()
        #expect(access(folder.partialFolder, F_OK) != 0)
    }

    @Test func theTopOfAFileSystemIsRefused() {
        let failure = #expect(throws: UpdateError.self) { _ = try DownloadFolder("/proc") }
        #expect(failure?.cause == .storage)
    }
}

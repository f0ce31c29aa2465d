import Files
import OpenSSL
import Fleet
import Glibc
import Testing

@testable import SweepEngine

@Suite struct HashListTests {
    /// Parses `text` in pieces of `size` bytes.
    private func table(_ text: String, by size: Int = 1 << 20) throws -> HashTable {
        var parser = HashListParser()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            try Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBufferPointer { try parser.take($0) }
        }
        try parser.end()
        return parser.table()
    }

    private func failure(_ text: String) -> HashListParser.Failure? {
        do {
            _ = try table(text)
            return nil
        } catch {
            return error as? HashListParser.Failure
        }
    }

    private let digest = String(repeating: "0a", count: 32)
    private var bytes: [UInt8] { [UInt8](repeating: 10, count: 32) }

    @Test(arguments: [1, 2, 3, 64, 1000]) func signatureIsFoundHoweverTheFileIsCut(_ size: Int) throws {
        let text = "# ours\r\n\r\n\(digest):7:Seven\n\(digest.uppercased()):*:Any:73\r\n\n\(digest):9:Nine:1:99"
        let table = try table(text, by: size)
        #expect(table.count == 3)
        #expect(["Seven", "Any"].contains(table.name(of: bytes, size: 7)))
        #expect(table.name(of: bytes, size: 8) == "Any")
        #expect(table.name(of: [UInt8](repeating: 11, count: 32), size: 7) == nil)
        #expect(table.name(of: [1, 2, 3], size: 7) == nil)
    }

    @Test func sizeDecidesAsWellAsTheDigest() throws {
        let table = try table("\(digest):7:Seven\n")
        #expect(table.name(of: bytes, size: 7) == "Seven")
        #expect(table.name(of: bytes, size: 8) == nil)
        #expect(try self.table("").name(of: bytes, size: 7) == nil)
    }

    @Test func everyOneOfManySignaturesIsFound() throws {
        var generator = SystemRandomNumberGenerator()
        var digests: [[UInt8]] = []
        var text = ""
        for number in 0..<20_000 {
            // Some share their first bytes, and so their run.
            let start: [UInt8] = number % 3 == 0 ? [7, 7] : []
            let digest = start + (start.count..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
            digests.append(digest)
            text += "\(Hexadecimal.lower(digest)):\(number):N\(number)\n"
        }
        let table = try table(text)
        #expect(table.count == digests.count)
        for (number, digest) in digests.enumerated() where table.name(of: digest, size: Int64(number)) != "N\(number)" {
            Issue.record("signature \(number) is not found")
        }
        for _ in 0..<1000 {
            let other = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(table.name(of: other, size: 1) == nil)
        }
    }

    @Test func wrongLineIsNamedByLineAndColumn() {
        let good = "\(digest):1:Good\n"
        for (text, line, column, part) in [
            ("\(good)\(good)abc:1:Short", 3, 1, "has 3 digits"),
            ("\(good)\(digest.dropLast())g:1:X", 2, 64, "no hexadecimal digit"),
            ("\(digest.prefix(40)):1:X", 1, 1, "SHA-1"),
            ("\(digest)", 1, 65, "size are missing"),
            ("\(digest):1", 1, 67, "name are missing"),
            ("\(digest):-1:X", 1, 66, "neither a number"),
            ("\(digest)::X", 1, 66, "neither a number"),
            ("\(digest):**:X", 1, 66, "neither a number"),
            ("\(digest):9999999999999999999:X", 1, 66, "neither a number"),
            ("\(digest):1:", 1, 68, "name is empty"),
            ("\(digest):1::73", 1, 68, "name is empty"),
            ("\(digest):1:a\u{7}b", 1, 69, "printable"),
            ("\(digest):1:ä", 1, 68, "printable"),
            ("\(digest):1:X:7a", 1, 71, "numbers of versions"),
            ("\(digest):1:\(String(repeating: "n", count: 257))", 1, 68, "longer than 256"),
            ("#\(String(repeating: "c", count: 5000))\n", 1, 4097, "longer than 4096"),
            ("\(good)#\(String(repeating: "c", count: 5000))", 2, 4097, "longer than 4096"),
            (" \(digest):1:X", 1, 1, "no hexadecimal digit"),
        ] {
            let failure = failure(text)
            #expect(failure?.line == line && failure?.column == column, "\(text.prefix(80)): \(failure as Any)")
            #expect(failure?.reason.contains(part) == true, "\(failure as Any)")
        }
    }

    @Test func randomBytesNeverTrap() {
        var generator = SystemRandomNumberGenerator()
        let characters = Array("0a:*#\n\r\u{0}\u{FF}5f".utf8)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...200)).map { _ in characters.randomElement(using: &generator) ?? 0 }
            var parser = HashListParser()
            _ = bytes.withUnsafeBufferPointer { piece in try? parser.take(piece) }
            try? parser.end()
            #expect(parser.table().count >= 0)
        }
    }
}

@Suite struct DefinitionsFolderTests {
    private func failure(_ folder: ScratchFolder) -> DefinitionsError? {
        do {
            _ = try DefinitionsFolder(folder.path).load()
            return nil
        } catch {
            return error
        }
    }

    @Test func allFilesAreLoadedAndTheVersionIsTheirs() throws {
        let folder = try ScratchFolder()
        let line = String(repeating: "ab", count: 32)
        folder.write("a.hsb", "\(line):1:A\n")
        folder.write("b.hsb", "# none\n")
        folder.write("readme.txt", "not definitions")
        let first = try DefinitionsFolder(folder.path).load()
        #expect(first.engine.signatureCount == 1)
        #expect(first.engine.version.utf8.count == 12)
        #expect(try DefinitionsFolder(folder.path).stamp() == first.stamp)
        #expect(first.engine.date.map { abs(($0 - .now()).wholeMilliseconds) < 60_000 } == true)

        folder.write("b.hsb", "\(line):2:B")
        let second = try DefinitionsFolder(folder.path).load()
        #expect(second.engine.signatureCount == 2)
        #expect(second.engine.version != first.engine.version && second.stamp != first.stamp)

        folder.write("version", "2026-11-24.3\n")
        #expect(try DefinitionsFolder(folder.path).load().engine.version == "2026-11-24.3")
    }

    @Test func whatIsWrongIsSaidWithFileLineAndColumn() throws {
        let folder = try ScratchFolder()
        #expect(failure(folder)?.description == "\(folder.path): there is no file *.hsb in it")
        folder.write("a.hsb", "\n\(String(repeating: "ab", count: 32)):x:A\n")
        #expect(
            failure(folder)?.description
                == "\(folder.path)/a.hsb:2:66: the size is neither a number of bytes nor '*'")
        folder.write("a.hsb", "")
        folder.write("version", "two words\n")
        #expect(failure(folder)?.description.hasPrefix("\(folder.path)/version:1:1: it must be one line") == true)
        #expect(throws: DefinitionsError.self) { try DefinitionsFolder(folder.path + "/missing").load() }
        #expect(throws: DefinitionsError.self) { try DefinitionsFolder(folder.path + "/a.hsb").stamp() }
    }

    @Test func lastLineOfOneFileAndFirstOfTheNextAreTwo() throws {
        let folder = try ScratchFolder()
        let line = String(repeating: "cd", count: 32)
        folder.write("a.hsb", "\(line):1:A")
        folder.write("b.hsb", "\(line):oops")
        #expect(failure(folder)?.file == folder.path + "/b.hsb")
        #expect(failure(folder)?.line == 1)
    }

    @Test func reportedNameIsMarkedAsUnofficial() throws {
        let folder = try ScratchFolder()
        // The SHA-256 of nothing (FIPS 180-4's example of an empty message).
        folder.write(
            "a.hsb", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855:0:PUA.Nothing\n")
        folder.write("empty", "")
        let engine = try DefinitionsFolder(folder.path).load().engine
        let file = try FileDescriptor.openForReading(at: AT_FDCWD, Array("\(folder.path)/empty".utf8))
        let judgement = try engine.judge(file.number, try FileFacts.of(file.number), ReadWatch { _ in true })
        #expect(judgement.threat == Threat(name: "PUA.Nothing.UNOFFICIAL", severity: .low))
    }
}

import Glibc
import OpenSSL
import Testing

@testable import SweepEngine

@Suite struct DefinitionsTestTests {
    private let eicar: String

    init() throws {
        eicar = "\(Hexadecimal.lower(try Digest.of(DefinitionsTest.eicar))):68:Eicar-Test-Signature\n"
    }

    private func reason(_ folder: ScratchFolder) -> String? {
        do {
            _ = try DefinitionsTest.run(folder.path)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func testFileIsTheOneThatAllEnginesKnow() throws {
        #expect(DefinitionsTest.eicar.count == 68)
        #expect(eicar.hasPrefix("275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:"))
    }

    @Test func setThatFindsTheTestFilePassesAndSaysWhatWasNotTried() throws {
        let folder = try ScratchFolder()
        folder.write("main.hsb", "# ours\r\n\r\n\(eicar)\(String(repeating: "0a", count: 32)):7:Seven\r\n")
        folder.write("more.hsb", "\(String(repeating: "0b", count: 32)):*:Any:73")
        folder.write("version", "20261128.1\n")
        folder.write("bytes.ndb", "whatever")
        folder.write("rules.yar", "whatever")
        folder.write("README", "whatever")
        #expect(
            try DefinitionsTest.run(folder.path)
                == DefinitionsTest.Report(
                    version: "20261128.1", signatures: 3, files: ["main.hsb", "more.hsb"],
                    untested: ["bytes.ndb", "rules.yar"]))
    }

    @Test func setThatDoesNotFindTheTestFileIsRefused() throws {
        let folder = try ScratchFolder()
        folder.write("main.hsb", "\(String(repeating: "0a", count: 32)):7:Seven\n")
        #expect(reason(folder)?.contains("do not find the EICAR test file") == true)
        // The right digest with a wrong size is none.
        folder.write("main.hsb", eicar.replacing(":68:", with: ":69:"))
        #expect(reason(folder)?.contains("do not find the EICAR test file") == true)
    }

    @Test(arguments: [[], Array("This file is clean.\n".utf8)])
    func setThatFindsAThreatInWhatIsCleanIsRefused(_ content: [UInt8]) throws {
        let folder = try ScratchFolder()
        folder.write("main.hsb", "\(eicar)\(Hexadecimal.lower(try Digest.of(content))):*:Everything\n")
        #expect(reason(folder)?.contains("\(content.count) harmless bytes for Everything") == true)
    }

    @Test func malformedEmptyAndMissingSetsAreRefusedWithTheirPlace() throws {
        let folder = try ScratchFolder()
        #expect(reason(folder)?.contains("there is no file *.hsb") == true)
        folder.write("main.hsb", "\(eicar)rubbish\n")
        #expect(reason(folder)?.hasPrefix("\(folder.path)/main.hsb:2:") == true)
        #expect((try? DefinitionsTest.run(folder.path + "/nothing")) == nil)
    }

    @Test func linkThatIsReplacedIsFollowedAnew() throws {
        let folder = try ScratchFolder()
        for name in ["one", "two"] {
            folder.makeFolder(name)
            folder.write("\(name)/main.hsb", eicar)
            folder.write("\(name)/version", name)
        }
        let current = folder.path + "/current"
        #expect(symlink("one", current) == 0)
        let definitions = DefinitionsFolder(current)
        let before = try definitions.stamp()
        #expect(try definitions.load().engine.version == "one")
        #expect(symlink("two", current + ".new") == 0 && rename(current + ".new", current) == 0)
        #expect(try definitions.stamp() != before)
        #expect(try definitions.load().engine.version == "two")
    }
}

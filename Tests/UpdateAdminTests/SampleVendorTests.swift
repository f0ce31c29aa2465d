import Files
import Glibc
import Testing
import UpdateTrust

@testable import UpdateAdmin

/// The sample vendor, and the engine's word before a publication.
@Suite final class SampleVendorTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/muster-vendor-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileFailure(errno, doing: "make a folder") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(folder) }

    private static func remove(_ path: String) {
        guard let folder = try? DurableFiles.open(path, O_RDONLY | O_DIRECTORY, doing: "list") else { return }
        for name in (try? folder.names(upTo: .max) { _ in true }) ?? [] {
            let inner = "\(path)/\(String(decoding: name, as: UTF8.self))"
            if unlink(inner) != 0 { remove(inner) }
        }
        rmdir(path)
    }

    private func stage(_ text: String, as path: String, _ repository: Repository) throws {
        try DurableFiles.replace("\(folder)/staged", with: Array(text.utf8))
        try repository.stage(file: "\(folder)/staged", as: path)
    }

    @Test func eachVersionOfTheSampleHasASmallDeltaFromTheOneBefore() async throws {
        let path = "\(folder)/sample"
        let first = try SampleVendor.make(path)
        #expect(first.added.contains("definitions/version") && first.deltas.isEmpty)
        let second = try SampleVendor.publishNext(path)
        #expect(second.definitions != first.definitions && second.definitions?.hasSuffix(".2") == true)
        let list = try #require(second.deltas.first { $0.target == "definitions/hashes.hsb" })
        #expect((3_000_000..<5_000_000).contains(list.of))
        #expect(list.bytes < list.of / 20)
        let verification = await RepositoryVerification.run(path)
        #expect(verification.troubles == [] && verification.targets == 7)
    }

    @Test func aVersionReplacesOneSignatureInAHundred() {
        let (first, second) = (SampleDefinitions.list(version: 1), SampleDefinitions.list(version: 2))
        let (old, new) = (first.split(separator: 10), second.split(separator: 10))
        #expect(old.count == SampleDefinitions.listLength && new.count == old.count)
        let changed = zip(old, new).count { $0 != $1 }
        #expect((350...550).contains(changed), "\(changed)")
    }

    @Test func anotherRepositoryIsNotTakenForASample() throws {
        _ = try Repository.make("\(folder)/mine")
        #expect(throws: RepositoryFailure.self) { try SampleVendor.publishNext("\(self.folder)/mine") }
    }

    @Test func aMalformedSignatureStopsThePublicationWithItsPlace() throws {
        let repository = try Repository.make("\(folder)/mine")
        let files = try SampleDefinitions.files(version: 1)
        try stage(String(decoding: files["eicar.hsb"] ?? [], as: UTF8.self), as: "definitions/eicar.hsb", repository)
        try repository.publishTested()
        try stage("# two\n\(String(repeating: "0", count: 63))x:1:Wrong\n", as: "definitions/new.hsb", repository)
        let failure = #expect(throws: RepositoryFailure.self) { try repository.publishTested() }
        #expect(failure?.description.contains("new.hsb:2:64") == true, "\(String(describing: failure))")
        try repository.stage(removing: ["definitions/new.hsb"])
        try repository.publish()
    }

    @Test func definitionsThatDoNotFindTheTestFileAreNotPublished() throws {
        let repository = try Repository.make("\(folder)/mine")
        try stage("\(String(repeating: "0", count: 64)):1:Other:73\n", as: "definitions/only.hsb", repository)
        #expect(throws: RepositoryFailure.self) { try repository.publishTested() }
        #expect(try repository.status().targets == 0)
    }
}

import Files
import Glibc
import OpenSSL
import Testing

@testable import UpdateTrust

/// Target files: digests, resumed downloads and where they are put (TUF section 5.7).
@Suite struct TargetTests {
    private let content: [UInt8] = Array("what is signed for".utf8)
    private let folder: TemporaryFolder
    private let repository = SimulatedRepository()

    init() throws { folder = try TemporaryFolder() }

    private func digest(_ bytes: [UInt8], _ kind: Digest.Kind) throws -> String {
        Hexadecimal.lower(try Digest.of(bytes, kind))
    }

    private func hashes() throws -> FileHashes { FileHashes(sha256: try digest(content, .sha256)) }

    /// Why a download of `served` was refused; nil: it was not. Without a file at the destination unless it was not.
    private func refusal(_ target: TargetFile, _ served: [UInt8]) async throws -> UpdateError.Cause? {
        repository.put("\(target.hashes.prefix ?? "").a", served)
        let download = TargetDownload(
            target, baseURL: "memory", consistentSnapshot: true, partialFolder: "\(folder.path)/partial")
        do throws(UpdateError) {
            try await download.run(to: "\(folder.path)/a", repository)
        } catch {
            #expect(!download.matches("\(folder.path)/a"))
            #expect(throws: FileFailure.self) { try DurableFiles.read("\(folder.path)/a", upTo: 100) }
            return error.cause
        }
        #expect(try DurableFiles.read("\(folder.path)/a", upTo: 100) == content)
        return nil
    }

    @Test func sha512AloneIsEnough() async throws {
        let target = TargetFile(path: "a", length: 18, hashes: FileHashes(sha512: try digest(content, .sha512)))
        #expect(try await refusal(target, content) == nil)
    }

    @Test func anUnknownDigestAloneIsRefused() async throws {
        var hashes = FileHashes()
        hashes.unknown = ["blake3"]
        #expect(try await refusal(TargetFile(path: "a", length: 18, hashes: hashes), content) == .noTarget)
    }

    @Test func oneRightAndOneWrongDigestAreRefused() async throws {
        var hashes = try hashes()
        hashes.sha512 = try digest([1], .sha512)
        #expect(try await refusal(TargetFile(path: "a", length: 18, hashes: hashes), content) == .mismatch)
    }

    @Test(arguments: ["what is signed fo", "what is signed fOr", "", "more than what is signed for"])
    func otherContentLeavesNoFile(_ served: String) async throws {
        let target = TargetFile(path: "a", length: 18, hashes: try hashes())
        #expect(try await refusal(target, Array(served.utf8)) == .mismatch)
    }

    @Test func aDownloadGoesOnWhereItWas() async throws {
        let target = TargetFile(path: "a", length: 18, hashes: try hashes())
        try DurableFiles.makeFolders("\(folder.path)/partial")
        let partial = "\(folder.path)/partial/\(target.hashes.prefix ?? "").part"
        try DurableFiles.replace(partial, with: Array(content.prefix(7)))
        // Its beginning is another, so that only one that is resumed is right.
        #expect(try await refusal(target, Array("WHAT is".utf8) + content.dropFirst(7)) == nil)
        #expect(repository.requests.count == 1)
    }

    @Test(arguments: ["what was", "this is more than what is signed for"])
    func aPartOfOtherContentIsFetchedWhole(_ part: String) async throws {
        let target = TargetFile(path: "a", length: 18, hashes: try hashes())
        try DurableFiles.makeFolders("\(folder.path)/partial")
        try DurableFiles.replace("\(folder.path)/partial/\(target.hashes.prefix ?? "").part", with: Array(part.utf8))
        #expect(try await refusal(target, content) == nil)
    }

    @Test func twoWhoFetchTheSameFileAtOnceBothHaveIt() async throws {
        let target = TargetFile(path: "a", length: 18, hashes: try hashes())
        let folder = folder
        repository.put("\(target.hashes.prefix ?? "").a", content)
        let download = TargetDownload(
            target, baseURL: "memory", consistentSnapshot: true, partialFolder: "\(folder.path)/partial",
            patience: 600)
        try await withThrowingTaskGroup { [repository] group in
            for number in 0..<8 {
                group.addTask { try await download.run(to: "\(folder.path)/\(number)", repository) }
            }
            try await group.waitForAll()
        }
        for number in 0..<8 { #expect(download.matches("\(folder.path)/\(number)")) }
        #expect(rmdir("\(folder.path)/partial") == 0, "nothing is left there")
    }

    /// Where something of a download cannot be written: its folder, its lock, its part, or its place.
    @Test(arguments: ["partial", "partial/PREFIX.lock", "partial/PREFIX.part", "a"])
    func whatCannotBeWrittenIsSaidAndTheNextAttemptSucceeds(_ obstacle: String) async throws {
        let target = TargetFile(path: "a", length: 18, hashes: try hashes())
        let prefix = target.hashes.prefix ?? ""
        let obstacle = "\(folder.path)/" + obstacle.replacing("PREFIX", with: prefix)
        let destination = "\(folder.path)/a"
        repository.put("\(prefix).a", content)
        let download = TargetDownload(
            target, baseURL: "memory", consistentSnapshot: true, partialFolder: "\(folder.path)/partial")
        if obstacle.hasSuffix("/partial") {
            try DurableFiles.replace(obstacle, with: [])
        } else {
            try DurableFiles.makeFolders("\(obstacle)/full")
        }
        let error = await #expect(throws: UpdateError.self) { try await download.run(to: destination, repository) }
        #expect(error?.cause == .storage)
        #expect(error?.message.contains(obstacle) == true, "\(error?.message ?? "")")
        try RepositoryFixture.run("/bin/rm", "-rf", obstacle)
        try await download.run(to: destination, repository)
        #expect(download.matches(destination))
    }

    @Test(arguments: ["../x", "/x", "?", "#", ".", "..", "a/../../x", "%2e%2e/x", "\u{0}"])
    func namesOfRolesStayInTheFolder(_ role: String) throws {
        let cache = MetadataCache(folder: "\(folder.path)/trust")
        try cache.lock().release()
        try cache.write([1], as: role)
        #expect(try cache.read(role, upTo: 1) == [1])
        let name = cache.path(of: role).dropFirst(cache.folder.count + 1)
        #expect(!name.contains("/") && !name.contains("?") && !name.contains("#") && name != "..")
    }

    @Test(arguments: ["../x", "/x", "a//b", "a/..", "", "a/./b"])
    func pathsThatLeadElsewhereAreTold(_ path: String) { #expect(TargetPath.trouble(path) != nil) }

    /// One star takes what it can, one character after another.
    private func naive(_ pattern: ArraySlice<Character>, _ path: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if first == "*" {
            if naive(pattern.dropFirst(), path) { return true }
            guard let next = path.first, next != "/" else { return false }
            return naive(pattern, path.dropFirst())
        }
        guard let next = path.first, first == "?" ? next != "/" : first == next else { return false }
        return naive(pattern.dropFirst(), path.dropFirst())
    }

    @Test func patternsMatchAsANaiveMatcherSays() {
        var generator = SystemRandomNumberGenerator()
        func random(_ characters: [Character]) -> String {
            String(
                (0..<Int.random(in: 0...8, using: &generator)).compactMap { _ in
                    characters.randomElement(using: &generator)
                })
        }
        for _ in 0..<20_000 {
            let (pattern, path) = (random(["a", "b", "/", "*", "?"]), random(["a", "b", "/"]))
            #expect(
                PathPattern(pattern).matches(path) == naive(Array(pattern)[...], Array(path)[...]), "\(pattern) \(path)"
            )
        }
    }
}

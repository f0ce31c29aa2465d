import Files
import Glibc
import Testing

@testable import UpdateTrust

/// Patches between files of a folder of its own.
@Suite final class DeltaPatchTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/muster-delta-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileFailure(errno, doing: "make a folder") }
        folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress.unsafelyUnwrapped) }
    }

    deinit {
        for name in ["old", "new", "patch", "made"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    private func write(_ bytes: [UInt8], _ name: String) throws {
        try DurableFiles.replace("\(folder)/\(name)", with: bytes)
    }
    private func read(_ name: String) throws -> [UInt8] { try DurableFiles.read("\(folder)/\(name)", upTo: 1 << 30) }

    private static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    private func make() throws {
        try DeltaPatch.make(from: "\(folder)/old", to: "\(folder)/new", into: "\(folder)/patch")
    }

    private func apply(limit: UInt64) throws(UpdateError) {
        try DeltaPatch.apply(
            patch: "\(folder)/patch", from: "\(folder)/old", into: "\(folder)/made", limit: limit)
    }

    @Test func aPatchMakesTheNewFileAndIsSmallWhereLittleChanged() throws {
        let old = Self.noise(400_000, seed: 1)
        var new = old
        for index in stride(from: 0, to: new.count, by: 40_000) { new[index] ^= 0x55 }
        new.insert(contentsOf: Self.noise(100, seed: 2), at: 123_456)
        try write(old, "old")
        try write(new, "new")
        try make()
        try apply(limit: UInt64(new.count))
        #expect(try read("made") == new)
        #expect(try read("patch").count < 2000)
    }

    @Test(arguments: [(0, 0), (0, 1000), (1000, 0), (1, 1), (200_000, 7)])
    func anyTwoFilesHaveAPatch(old: Int, new: Int) throws {
        try write(Self.noise(old, seed: 3), "old")
        try write(Self.noise(new, seed: 4), "new")
        try make()
        try apply(limit: UInt64(new))
        #expect(try read("made") == Self.noise(new, seed: 4))
    }

    @Test func aPatchStopsAtTheSignedLength() throws {
        try write([], "old")
        try write([UInt8](repeating: 0, count: 50_000_000), "new")
        try make()
        #expect(try read("patch").count < 10_000, "a small patch that makes a lot")
        let error = #expect(throws: UpdateError.self) { try self.apply(limit: 1000) }
        #expect(error?.cause == .tooLarge)
        #expect(access("\(folder)/made", F_OK) != 0, "nothing is left of it")
    }

    @Test func whatIsNoPatchOfThisFileIsRefused() throws {
        let (old, new) = (Self.noise(100_000, seed: 5), Self.noise(100_000, seed: 5) + [1, 2, 3])
        try write(old, "old")
        try write(new, "new")
        try make()
        let patch = try read("patch")
        for broken in [
            [], Array(patch.dropLast()), Array(patch.prefix(10)), patch + [0], patch + patch, Self.noise(500, seed: 6),
        ] {
            try write(broken, "patch")
            let error = #expect(throws: UpdateError.self, "\(broken.count)") {
                try self.apply(limit: UInt64(new.count))
            }
            #expect(error?.cause == .malformed, "\(broken.count): \(String(describing: error))")
        }
        try write(patch, "patch")
        try write(Self.noise(100_000, seed: 7), "old")
        #expect(throws: UpdateError.self) { try self.apply(limit: UInt64(new.count)) }
    }

    @Test func aMissingFileIsSaid() throws {
        let error = #expect(throws: UpdateError.self) { try self.apply(limit: 1) }
        #expect(error?.cause == .storage && error?.systemError == ENOENT)
    }
}

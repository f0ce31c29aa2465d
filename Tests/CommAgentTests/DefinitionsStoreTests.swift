import FoundationEssentials
import Testing
import UpdateTrust

@Suite struct DefinitionsStoreTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/muster-store-\(UUID().uuidString)"
    private var store: DefinitionsStore { DefinitionsStore(folder: folder) }

    /// A set that is staged and put in place.
    @discardableResult
    private func put(_ version: String, _ snapshot: Int64) throws -> DefinitionsSet {
        try store.prepare()
        let staged = "\(store.staging)/set"
        try FileManager.default.createDirectory(atPath: staged, withIntermediateDirectories: true)
        try Data("\(version)\n".utf8).write(to: URL(filePath: staged + "/version"))
        let set = DefinitionsSet(
            version: version, identity: "id-\(version)", snapshot: snapshot, files: ["version": "aa"])
        try store.put(staged, as: set)
        return set
    }

    private func end() { try? FileManager.default.removeItem(atPath: folder) }

    @Test func setsAreFoundAgainAsTheyWerePut() throws {
        defer { end() }
        let set = try put("20261128.1", 7)
        #expect(try store.currentSet() == nil)
        #expect(try store.set(ofIdentity: "id-20261128.1") == set)
        #expect(try store.set(ofIdentity: "id-other") == nil)
        try store.activate(set)
        #expect(try store.currentSet() == set)
        #expect(try store.previousSet() == nil)
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: store.current) == "sets/20261128.1-7")
    }

    @Test func rollbackSwapsTwiceAndNeedsTwo() throws {
        defer { end() }
        #expect(throws: UpdateError.self) { try store.rollBack() }
        let (one, two) = (try put("1", 1), try put("2", 2))
        try store.activate(one)
        #expect(throws: UpdateError.self) { try store.rollBack() }
        try store.activate(two)
        let back = try store.rollBack()
        #expect(back.from == two && back.to == one)
        #expect(try store.currentSet() == one)
        #expect(try store.previousSet() == two)
        #expect(try store.rolledBack()?.version == "2")
        // And forth again: now the other stays out.
        let forth = try store.rollBack()
        #expect(forth.to == two)
        #expect(try store.rolledBack()?.version == "1")
    }

    @Test func tidyingKeepsTheSetInUseAndThePreviousOne() throws {
        defer { end() }
        for number in 1...4 { try store.activate(try put("\(number)", Int64(number))) }
        try Data("x".utf8).write(to: URL(filePath: store.staging + "/left"))
        try store.collectGarbage()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/sets").sorted() == ["3-3", "4-4"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.staging) == [])
    }

    @Test(arguments: ["../../etc", "/etc", "sets/../x", "sets/.hidden", "other/1-1", "sets"])
    func linkThatIsNotOursLeadsToNoSet(_ target: String) throws {
        defer { end() }
        try put("1", 1)
        try FileManager.default.createSymbolicLink(atPath: store.current, withDestinationPath: target)
        #expect(try store.currentSet() == nil)
        // It is replaced like any other.
        try store.activate(try #require(try store.set(ofIdentity: "id-1")))
        #expect(try store.currentSet()?.version == "1")
    }

    @Test func damagedSetStaysInUseUntilAnotherTakesItsPlace() throws {
        defer { end() }
        let one = try put("1", 1)
        try store.activate(one)
        try Data("{".utf8).write(to: URL(filePath: store.path(of: one) + "/.set"))
        #expect(try store.currentSet() == nil)
        let again = try put("1", 1)
        // The one in use is not touched by it.
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: store.current) == "sets/1-1")
        #expect(try String(contentsOf: URL(filePath: store.current + "/version"), encoding: .utf8) == "1\n")
        let found = try #require(try store.set(ofIdentity: again.identity))
        #expect(found.name == "1-1-2")
        try store.activate(found)
        #expect(try store.currentSet() == found)
    }
}

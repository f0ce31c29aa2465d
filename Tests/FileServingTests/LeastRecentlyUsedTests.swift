import Testing

@testable import FileServing

@Suite struct LeastRecentlyUsedTests {
    private typealias Table = LeastRecentlyUsed<Int>

    @Test func whatWasUsedLongestAgoGoesFirst() {
        var table = Table(limit: .init(files: 3, bytes: 100))
        for value in 1...3 { #expect(table.insert(value, value, cost: .init(files: 1, bytes: 1)) == []) }
        #expect(table.find(1) == 1)
        #expect(table.insert(4, 4, cost: .init(files: 1, bytes: 1)) == [2])
        #expect(table.insert(5, 5, cost: .init(files: 1, bytes: 1)) == [3])
        #expect([1, 4, 5].map { table.find($0) } == [1, 4, 5])
        #expect(table.find(2) == nil)
    }

    @Test func bytesPushOutAsManyAsItTakes() {
        var table = Table(limit: .init(files: 10, bytes: 100))
        for value in 1...5 { _ = table.insert(value, value, cost: .init(files: 0, bytes: 20)) }
        #expect(table.insert(6, 6, cost: .init(files: 0, bytes: 50)) == [1, 2, 3])
        #expect(table.used == .init(files: 0, bytes: 90))
    }

    @Test func whatIsTooBigIsNotKept() {
        var table = Table(limit: .init(files: 1, bytes: 10))
        _ = table.insert(1, 1, cost: .init(files: 1, bytes: 1))
        #expect(table.insert(2, 2, cost: .init(files: 0, bytes: 11)) == [2])
        #expect(table.find(1) == 1)
    }

    @Test func sameHashReplaces() {
        var table = Table(limit: .init(files: 5, bytes: 10))
        _ = table.insert(1, 7, cost: .init(files: 1, bytes: 4))
        #expect(table.insert(2, 7, cost: .init(files: 0, bytes: 3)) == [1])
        #expect(table.used == .init(files: 0, bytes: 3))
        #expect(table.count == 1)
    }

    @Test func olderHalfOfTheOpenFilesGoes() {
        var table = Table(limit: .init(files: 10, bytes: 100))
        for value in 1...6 { _ = table.insert(value, value, cost: .init(files: value % 2, bytes: 1)) }
        #expect(table.removeOlderFiles() == [1, 3])
        #expect(table.used == .init(files: 1, bytes: 4))
        #expect(table.removeOlderFiles() == [5])
        #expect(table.removeOlderFiles() == [])
    }

    /// Against a list that is plainly right.
    @Test func randomUseAgreesWithAPlainList() {
        var generator = SystemRandomNumberGenerator()
        var table = Table(limit: .init(files: 8, bytes: 60))
        var plain: [(hash: Int, value: Int, files: Int, bytes: Int)] = []
        for step in 0..<20_000 {
            let hash = Int.random(in: 0..<24, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                #expect(table.remove(hash) == plain.first { $0.hash == hash }?.value)
                plain.removeAll { $0.hash == hash }
            case 1:
                let files = Int.random(in: 0...1, using: &generator)
                let bytes = Int.random(in: 0...20, using: &generator)
                _ = table.insert(step, hash, cost: .init(files: files, bytes: bytes))
                plain.removeAll { $0.hash == hash }
                plain.append((hash, step, files, bytes))
                while plain.map(\.files).reduce(0, +) > 8 || plain.map(\.bytes).reduce(0, +) > 60 {
                    plain.removeFirst()
                }
            default:
                #expect(table.find(hash) == plain.first { $0.hash == hash }?.value)
                if let index = plain.firstIndex(where: { $0.hash == hash }) { plain.append(plain.remove(at: index)) }
            }
            #expect(table.used == .init(files: plain.map(\.files).reduce(0, +), bytes: plain.map(\.bytes).reduce(0, +)))
            #expect(table.count == plain.count)
        }
    }
}

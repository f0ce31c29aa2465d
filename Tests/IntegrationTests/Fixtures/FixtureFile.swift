import Foundation

/// A fixture's source: what its first comment says of it.
struct FixtureFile {
    var name: String
    var broken: String
    var host: String

    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let folder = repository.appendingPathComponent("Tests/PluginFixtures")

    /// The path of a file of the repository.
    static func repositoryPath(_ path: String) -> String { repository.appendingPathComponent(path).path }

    /// In the order of their names.
    static func all() throws -> [FixtureFile] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".c") }.sorted()
            .map { name in
                let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
                return try FixtureFile(name: String(name.dropLast(2)), text)
            }
    }

    static func readme() throws -> String {
        try String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
    }

    private init(name: String, _ text: String) throws {
        self.name = name
        guard text.hasPrefix("/*\n"), let end = text.range(of: "\n */") else {
            throw LiveFailure("\(name).c does not begin with a comment")
        }
        let comment = text[..<end.lowerBound].split(separator: "\n").dropFirst()
            .map { $0.dropFirst(3) }.joined(separator: " ")
        guard comment.hasPrefix("Broken: "), let host = comment.range(of: " Host: ") else {
            throw LiveFailure("\(name).c does not say what is broken and what the host does")
        }
        broken = String(comment[..<host.lowerBound].dropFirst("Broken: ".count))
        self.host = String(comment[host.upperBound...])
    }
}

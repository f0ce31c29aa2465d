import Files
import Glibc

@testable import UpdateTrust

/// A repository in a folder of its own, and a client of it.
final class RepositoryFixture {
    let folder: String
    let repository: Repository

    init(_ founding: Repository.Founding = .init(), clock: Clock? = nil) throws {
        var template = Array("/tmp/muster-repository-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileFailure(errno, doing: "make a folder") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        repository = try Repository.make("\(folder)/repository", founding) {
            clock.map { MetadataTime(seconds: $0.seconds) } ?? .now()
        }
        try begin()
    }

    deinit {
        _ = try? Self.run("/bin/rm", "-rf", folder)
    }

    static func run(_ arguments: String...) throws {
        var child: pid_t = 0
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        guard posix_spawn(&child, arguments[0], nil, nil, &pointers, environ) == 0 else {
            throw FileFailure(errno, doing: "run \(arguments[0])")
        }
        var status: CInt = 0
        waitpid(child, &status, 0)
    }

    var trust: MetadataCache { MetadataCache(folder: "\(folder)/trust") }
    var transport: DirectoryTransport { DirectoryTransport(folder: "\(folder)/repository") }

    /// Begins to trust the first root.
    func begin() throws {
        try UpdateClient.begin(
            trust, with: try DurableFiles.read("\(folder)/repository/metadata/1.root.json", upTo: 1 << 20))
    }

    func client(at seconds: Int64? = nil) -> UpdateClient {
        UpdateClient(cache: trust, metadataURL: "metadata", transport) {
            seconds.map { MetadataTime(seconds: $0) } ?? .now()
        }
    }

    func write(_ content: [UInt8], _ name: String) throws -> String {
        let path = "\(folder)/\(name)"
        try DurableFiles.replace(path, with: content)
        return path
    }

    /// What a client finds at a target path now; nil where nobody signs for it.
    func fetch(_ path: String) async throws -> [UInt8]? {
        let client = client()
        var trusted = try await client.refresh().metadata
        guard let target = try await client.find(path, in: &trusted) else { return nil }
        let destination = "\(folder)/fetched"
        try await TargetDownload(
            target, baseURL: "targets", consistentSnapshot: true, partialFolder: "\(folder)/partial"
        ).run(to: destination, transport)
        return try DurableFiles.read(destination, upTo: 1 << 30)
    }
}

/// A clock that a test sets.
final class Clock {
    var seconds: Int64

    init(seconds: Int64) { self.seconds = seconds }
}

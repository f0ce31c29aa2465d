import Files
import Glibc

/// A folder that is removed with all that is in it.
final class TemporaryFolder: Sendable {
    let path: String

    init(in place: String = "/tmp") throws {
        var template = Array("\(place)/muster-trust-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileFailure(errno, doing: "make a folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? RepositoryFixture.run("/bin/rm", "-rf", path) }
}

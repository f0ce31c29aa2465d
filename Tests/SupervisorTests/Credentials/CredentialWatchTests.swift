import Glibc
import Testing

@testable import Supervisor

@Suite struct CredentialWatchTests {
    private var watch = CredentialWatch()

    private func marks(_ number: UInt) -> [FileMark?] {
        var status = stat()
        status.st_ino = number
        return [FileMark(status), FileMark(status), nil]
    }

    @Test mutating func filesThatAreAsTheyWereReadAreLeftAlone() {
        #expect(watch.look(at: "Web/main", marks(1), read: marks(1)) == .same)
    }

    @Test mutating func filesThatChangedAreReadOnceTheyAreOthers() {
        #expect(watch.look(at: "Web/main", marks(2), read: marks(1)) == .changed)
        watch.note(sound: "Web/main")
        #expect(watch.look(at: "Web/main", marks(2), read: marks(2)) == .same)
    }

    @Test mutating func unsoundFilesAreToldAboutOnceAtTheSecondLook() {
        #expect(watch.look(at: "Web/main", marks(2), read: marks(1)) == .changed)
        watch.note(unsound: "no", "Web/main", marks(2))
        #expect(watch.look(at: "Web/main", marks(2), read: marks(1)) == .unsound("no"))
        #expect(watch.look(at: "Web/main", marks(2), read: marks(1)) == .same)
        // Damaged once more: that is news again.
        #expect(watch.look(at: "Web/main", marks(3), read: marks(1)) == .changed)
    }

    @Test mutating func filesThatWereReplacedOneAfterTheOtherAreNeverToldAbout() {
        #expect(watch.look(at: "Web/main", marks(2), read: marks(1)) == .changed)
        watch.note(unsound: "the key does not belong", "Web/main", marks(2))
        #expect(watch.look(at: "Web/main", marks(3), read: marks(1)) == .changed)
        watch.note(sound: "Web/main")
        #expect(watch.look(at: "Web/main", marks(3), read: marks(3)) == .same)
    }

    @Test mutating func filesThatWerePutBackAreForgotten() {
        watch.note(unsound: "no", "Web/main", marks(2))
        #expect(watch.look(at: "Web/main", marks(1), read: marks(1)) == .same)
        #expect(watch.look(at: "Web/main", marks(2), read: marks(1)) == .changed)
        watch.note(unsound: "no", "Web/main", marks(2))
        watch.retain(["Web/other"])
        #expect(watch.look(at: "Web/main", marks(2), read: marks(1)) == .changed)
    }

    @Test func everythingThatAWriterChangesIsInTheMark() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("a", "one")
        func mark() throws -> FileMark { FileMark(try Files.status(path)) }
        let first = try mark()
        #expect(try mark() == first)
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        utimensat(AT_FDCWD, path, &times, 0)
        let touched = try mark()
        #expect(touched.modified != first.modified)
        try Files.replace(path, with: Array("one".utf8), mode: 0o600)
        #expect(try mark().inode != touched.inode)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func fileThatIsClosedToTheHostIsReadAsItsWorkersUser() throws {
        let folder = try TemporaryFolder()
        let path = try folder.file("a", "secret")
        chmod(path, 0o600)
        #expect(chown(path, 65_534, 65_534) == 0)
        let account = Account(name: "nobody", userID: 65_534, groupID: 65_534, supplementaryGroupIDs: [])
        let file = try Files.open(path, O_RDONLY, orAs: account)
        #expect(try Files.read(file, path, limit: 100) == Array("secret".utf8))
        #expect(throws: SystemError.self) { try Files.open(path + "x", O_RDONLY, orAs: account) }
    }
}

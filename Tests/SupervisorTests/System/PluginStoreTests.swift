import ControlProtocol
import Glibc
import Testing

@testable import Supervisor

@Suite struct PluginStoreTests {
    private let folder: TemporaryFolder
    private let store: PluginStore

    init() throws {
        folder = try TemporaryFolder()
        store = PluginStore(directory: folder.path + "/data/plugins")
    }

    private func refusal(_ path: String) -> String {
        do {
            _ = try store.stage(path)
            return ""
        } catch {
            return error.reason
        }
    }

    @Test func aCopyIsNamedByItsContentAndCannotBeWritten() throws {
        let copy = try store.stage(folder.file("libA.so", "abc"))
        #expect(copy.digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(copy.path == "\(folder.path)/data/plugins/\(copy.digest)/libA.so")
        #expect(try Files.read(copy.path, limit: 100) == [UInt8]("abc".utf8))
        #expect(try Files.status(copy.path).st_mode & 0o777 == 0o555)
    }

    @Test func theSameContentIsCopiedOnce() throws {
        let first = try store.stage(folder.file("libA.so", "abc"))
        let inode = try Files.status(first.path).st_ino
        #expect(try store.stage(folder.file("libA.so", "abc")) == first)
        #expect(try Files.status(first.path).st_ino == inode)
    }

    @Test func aReplacedFileIsAnotherCopy() throws {
        let first = try store.stage(folder.file("libA.so", "abc"))
        let second = try store.stage(folder.file("libA.so", "abd"))
        #expect(first.digest != second.digest)
        #expect(try Files.read(first.path, limit: 100) == [UInt8]("abc".utf8))
    }

    @Test func aFileOverwrittenInPlaceIsNoticedThoughItsSizeIsTheSame() throws {
        let path = try folder.file("libA.so", "abc")
        let first = try store.stage(path)
        let file = try Files.open(path, O_WRONLY)
        try Files.write([UInt8]("xyz".utf8), to: file, path)
        #expect(try store.stage(path).digest != first.digest)
        #expect(store.currentDigest(of: path) != first.digest)
    }

    @Test func aDamagedCopyIsReplaced() throws {
        let path = try folder.file("libA.so", "abc")
        let copy = try store.stage(path)
        chmod(copy.path, 0o755)
        try Files.replace(copy.path, with: [UInt8]("bad".utf8), mode: 0o555)
        let another = PluginStore(directory: store.directory)
        #expect(another.copy(digest: copy.digest, fileName: "libA.so") == nil)
        #expect(try another.stage(path) == copy)
        #expect(try Files.read(copy.path, limit: 100) == [UInt8]("abc".utf8))
    }

    @Test func copiesThatNobodyUsesAreRemoved() throws {
        let kept = try store.stage(folder.file("libA.so", "abc"))
        let dropped = try store.stage(folder.file("libB.so", "xyz"))
        _ = try folder.file("data/plugins/.incoming-1", "rest")
        _ = try folder.file("data/plugins/README", "not ours")
        store.retain([kept.digest])
        #expect(try Files.names(in: store.directory) == ["README", kept.digest].sorted())
        #expect(store.copy(digest: dropped.digest, fileName: "libB.so") == nil)
    }

    @Test(arguments: [mode_t(0o664), 0o646, 0o666])
    func aFileThatOthersMayWriteIsRefused(mode: mode_t) throws {
        let path = try folder.file("libA.so", "abc", mode: mode)
        #expect(refusal(path).contains("writable by others"))
    }

    @Test func aFolderThatOthersMayWriteIsRefused() throws {
        let path = try folder.file("open/deep/libA.so", "abc")
        chmod(folder.path + "/open", 0o777)
        #expect(refusal(path).contains("\(folder.path)/open is writable by others"))
    }

    @Test func aLinkIsFollowedAndWhatItLeadsToIsChecked() throws {
        let path = try folder.file("open/libA.so", "abc")
        chmod(folder.path + "/open", 0o777)
        let link = folder.path + "/libA.so"
        symlink(path, link)
        #expect(refusal(link).contains("writable by others"))
    }

    @Test(.enabled(if: geteuid() == 0))
    func aFileOfSomebodyElseIsRefused() throws {
        let path = try folder.file("libA.so", "abc")
        chown(path, 12345, 12345)
        #expect(refusal(path).contains("belongs to user 12345"))
    }

    @Test func whatIsNoFileIsRefused() throws {
        let fifo = folder.path + "/libA.so"
        mkfifo(fifo, 0o600)
        #expect(refusal(fifo).contains("is not a file"))
        #expect(refusal(folder.path).contains("is not a file"))
        #expect(refusal(folder.path + "/none.so").contains("cannot open"))
    }

    @Test func aStoreThatCannotBeWrittenIsNamed() throws {
        let path = try folder.file("libA.so", "abc")
        let blocked = try folder.file("blocked", "a file where a folder should be")
        let store = PluginStore(directory: blocked + "/plugins")
        #expect(throws: Refusal.self) { try store.stage(path) }
    }

    /// /proc is mounted noexec wherever systemd or a container runtime mounts it.
    private static var isProcNoExec: Bool {
        var status = statvfs()
        return statvfs("/proc", &status) == 0 && status.f_flag & 8 != 0
    }

    @Test(.enabled(if: isProcNoExec))
    func aStoreFromWhichNothingCanBeLoadedIsNamed() throws {
        let path = try folder.file("libA.so", "abc")
        #expect(throws: Refusal.self) { try PluginStore(directory: "/proc/muster/plugins").stage(path) }
        do {
            _ = try PluginStore(directory: "/proc/muster/plugins").stage(path)
        } catch {
            #expect(error.reason.contains("mounted noexec"))
        }
    }

    @Test func pluginsAreLookedForInOrder() throws {
        let first = try folder.file("first/libA.so", "1")
        _ = try folder.file("second/libA.so", "2")
        let b = try folder.file("second/libB.so", "3")
        _ = try folder.file("second/notes.txt", "4")
        _ = try folder.file("second/libNo.Component.so", "5")
        var finder = PluginFinder(
            executable: nil, pluginDirectories: [folder.path + "/first", folder.path + "/second"])
        #expect(finder.find("libA.so") == first)
        #expect(finder.find("libC.so") == nil)
        #expect(finder.find(b) == b)
        #expect(finder.all().map(\.name) == ["A", "B"])
        finder.directories = ["/nonexistent"]
        #expect(finder.all().isEmpty)
    }
}

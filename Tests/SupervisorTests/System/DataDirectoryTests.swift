import ControlProtocol
import Glibc
import Testing

@testable import Supervisor

@Suite struct DataDirectoryTests {
    private let folder: TemporaryFolder
    private let data: DataDirectory

    init() throws {
        folder = try TemporaryFolder()
        data = DataDirectory(path: folder.path + "/var/lib/muster")
    }

    private let receipt = ReloadReceipt(
        generation: 1, trigger: .start, result: .committed, startedAt: 0, durationSeconds: 0, components: [],
        diagnostics: [], drainingConnections: 0)

    @Test func foldersAreMadeWithTheirModes() throws {
        try data.create(for: nil)
        try data.createComponent("A", for: nil)
        #expect(try Files.status(data.path).st_mode & 0o777 == 0o711)
        #expect(try Files.status(data.component("A")).st_mode & 0o777 == 0o700)
        try data.create(for: nil)
        try data.createComponent("A", for: nil)
    }

    @Test(.enabled(if: geteuid() == 0))
    func aComponentsFolderBelongsToTheWorkersUser() throws {
        let account = try Account.find(user: "nobody", group: nil)
        chmod(folder.path, 0o711)
        try data.create(for: account)
        try data.createComponent("A", for: account)
        #expect(try Files.status(data.component("A")).st_uid == account.userID)
        #expect(throws: Refusal.self) { try data.createComponent("A", for: nil) }
        try data.checkReachable(for: account)
        chmod(folder.path, 0o700)
        #expect(throws: Refusal.self) { try data.checkReachable(for: account) }
    }

    @Test func oneHostAtATimeHasTheFolder() throws {
        try data.create(for: nil)
        var lock: Descriptor? = try data.lock()
        #expect(throws: Refusal.self) { _ = try data.lock() }
        lock = nil
        _ = try data.lock()
        _ = lock
    }

    @Test func theLastGoodConfigurationIsReadBack() throws {
        try data.create(for: nil)
        let facts = LastGood(
            configurationPath: "/etc/muster/config.yaml",
            plugins: [.init(component: "A", originPath: "/p/libA.so", copyPath: "/d/libA.so", digest: "00")])
        try facts.write([UInt8]("components: {}\n".utf8), to: data)
        let (read, text) = try LastGood.read(from: data)
        #expect(read == facts)
        #expect(text == [UInt8]("components: {}\n".utf8))
        #expect(read.pinned["A"]?.digest == "00")
        #expect(try Files.status(data.lastGood).st_mode & 0o777 == 0o600)
    }

    @Test func aDamagedLastGoodConfigurationIsAnErrorAndNoTrap() throws {
        try data.create(for: nil)
        #expect(throws: SystemError.self) { _ = try LastGood.read(from: data) }
        try Files.replace(data.lastGood, with: [0xFF], mode: 0o600)
        try Files.replace(data.lastGoodFacts, with: [UInt8]("{".utf8), mode: 0o600)
        #expect(throws: SystemError.self) { _ = try LastGood.read(from: data) }
    }

    @Test func aReceiptIsReplacedWholeOrNotAtAll() throws {
        try data.create(for: nil)
        try ReceiptFile.write(receipt, to: data.receipt)
        let before = try Files.read(data.receipt, limit: 1 << 20)
        #expect(throws: SystemError.self) { try ReceiptFile.write(receipt, to: "/dev/full/last.json") }
        #expect(try Files.read(data.receipt, limit: 1 << 20) == before)
        #expect(try Files.names(in: Files.directory(of: data.receipt)) == ["last.json"])
    }

    @Test(.enabled(if: access("/dev/full", W_OK) == 0))
    func aFullDiskIsNamed() throws {
        let file = try Files.open("/dev/full", O_WRONLY)
        do {
            try Files.write([1], to: file, "/dev/full")
            Issue.record("a full device took a byte")
        } catch {
            #expect("\(error)".contains("no space left"))
        }
    }

    @Test func accountsAreFoundByNameAndNumber() throws {
        #expect(try Account.find(user: "root", group: nil).userID == 0)
        #expect(try Account.find(user: "0", group: nil).name == "root")
        #expect(try Account.find(user: "root", group: "12").groupID == 12)
        #expect(throws: Refusal.self) { _ = try Account.find(user: "no such user", group: nil) }
        #expect(throws: Refusal.self) { _ = try Account.find(user: "root", group: "no such group") }
    }

    @Test func aTimeOfDayIsWrittenInUTC() {
        #expect(WallClock(seconds: 0, nanoseconds: 999_999_999).text == "1970-01-01T00:00:00.999Z")
    }
}

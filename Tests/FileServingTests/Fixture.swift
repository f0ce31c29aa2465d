import Glibc
import MusterABI
import PluginKit
import PluginTesting
import Synchronization
import Testing

@testable import FileServing

/// A plugin that serves a folder, with a clock that stands still until the test moves it.
final class ClockedFolder: Plugin {
    static let listener = Listener.http("updates", port: 50003, help: "Serves a folder.")
    static let description = PluginDescription(
        id: "test.muster.folder", name: "Folder", version: "1.0.0", summary: "Serves a folder.", vendor: "Muster",
        licence: "MIT", listeners: [listener], requires: [.work])
    static let clock = TestClock()
    /// The errno with which opening a name fails.
    static let failures = Mutex<[String: CInt]>([:])
    private let host: Host
    private let files: FolderServer

    init(options: FolderOptions, host: Host) throws {
        self.host = host
        files = try FolderServer(
            ServedFolder(options), host: host, clock: Self.clock.clock,
            failure: { name in Self.failures.withLock { $0[name] } })
    }

    func prepare() throws { try host.serve(Self.listener, with: files) }
}

/// Shared by all tests of a run, and so only ever moved forward.
final class TestClock: Sendable {
    private let offset = Atomic<UInt64>(0)
    /// Whether files look as if they had been changed just now.
    @TaskLocal static var filesAreYoung = false

    /// Two seconds on: all that was looked at before is stale.
    func advance() { offset.add(2_000_000_000, ordering: .sequentiallyConsistent) }

    var clock: Clock {
        Clock(
            steady: { [self] in 1_000_000_000 + offset.load(ordering: .sequentiallyConsistent) },
            wall: {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                // As if ten seconds had passed since the test wrote its files.
                let age: Int64 = TestClock.filesAreYoung ? 0 : 10
                return (Int64(time.tv_sec) + age) * 1_000_000_000 + Int64(time.tv_nsec)
            })
    }
}

/// A folder of its own, removed at the end, and a component that serves it through the ABI.
final class Fixture {
    let root: String
    let host: FakeHost

    init(_ settings: [String: Setting] = [:], starts: Bool = true) throws {
        var template = Array("/tmp/muster-folder-XXXXXX".utf8CString)
        root = try #require(mkdtemp(&template).map { String(cString: $0) })
        mkdir(root + "/served", 0o755)
        host = FakeHost(
            PluginEntry.manifest(of: ClockedFolder.self),
            settings: ["repository": .path(root + "/served")].merging(settings) { $1 })
        if starts { try host.start() }
    }

    deinit {
        host.stop()
        host.destroy()
        Self.remove(root)
    }

    func path(_ name: String) -> String { root + "/served/" + name }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let folders = name.split(separator: "/").dropLast()
        for count in 0..<folders.count { mkdir(path(folders.prefix(count + 1).joined(separator: "/")), 0o755) }
        let descriptor = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    /// Replaces a file as an updater should: by rename.
    func replace(_ name: String, _ text: String) throws {
        try write("new", text)
        try #require(rename(path("new"), path(name)) == 0)
    }

    func get(_ target: String, _ headers: (String, String)...) -> FakeAnswer {
        host.exchange(FakeRequest(target, headers: headers), with: "updates")
    }

    func send(_ method: String, _ target: String, _ headers: (String, String)...) -> FakeAnswer {
        host.exchange(FakeRequest(target, method: method, headers: headers), with: "updates")
    }

    /// How many descriptors of files below this folder the process has open; of others it has as many as other tests
    /// want.
    var openDescriptors: Int { Self.openDescriptors(below: root) }

    static func openDescriptors(below root: String) -> Int {
        guard let folder = opendir("/proc/self/fd") else { return -1 }
        defer { closedir(folder) }
        var count = 0
        var target = [CChar](repeating: 0, count: 4096)
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let length = readlink("/proc/self/fd/" + name, &target, target.count)
            let path = String(decoding: target.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if path.hasPrefix(root + "/") { count += 1 }
        }
        return count
    }

    private static func remove(_ path: String) {
        guard unlink(path) != 0 else { return }
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { remove(path + "/" + name) }
            }
            closedir(folder)
        }
        rmdir(path)
    }
}

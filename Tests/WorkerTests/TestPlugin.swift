@testable import Worker
import Locks
import MusterABI
import PluginManifest

/// A plugin inside the test process: real tables, whose functions note that they were called and do what a test says.
final class TestPlugin: @unchecked Sendable {
    // Safe to share: tests set behaviours before the worker starts, and read what its thread wrote through the lock.

    typealias Behaviour = (TestPlugin, UnsafeMutablePointer<muster_error>?) -> muster_status

    let manifest: Manifest
    /// What a call does; without one it answers MUSTER_OK.
    var behaviours: [String: Behaviour] = [:]
    /// What the host gave, for behaviours to use.
    private(set) var host: UnsafePointer<muster_host>?
    private(set) var options: UnsafePointer<muster_options>?
    private(set) var sink: UnsafePointer<muster_sink>?
    private(set) var receivedState: [UInt8] = []
    /// Changes the table that create hands out.
    var alterTable: (inout muster_component) -> Void = { _ in }
    var handsOutNoTable = false

    private let journal = Locked<[String]>([])
    private var storage: TableStorage<muster_component>?

    init(
        options: [OptionDeclaration] = [], listeners: [ListenerDeclaration] = [], helpers: [HelperDeclaration] = []
    ) {
        manifest = Manifest(
            id: "org.example.test", name: "Test", version: "1.0.0", summary: "For tests.", vendor: "", licence: "MIT",
            url: "", abi: ABIVersion(major: 1, minor: 0), listeners: listeners, options: options, helpers: helpers)
    }

    /// Adds a line to the journal. From any thread.
    func note(_ line: String) { journal.withLock { $0.append(line) } }

    var notes: [String] { journal.withLock { $0 } }

    /// What `PluginLibrary` is made of.
    var reading: ManifestReader.Reading {
        ManifestReader.Reading(
            manifest: manifest,
            create: { context, host, component, error in
                guard let plugin = TestPlugin.at(context) else { return MUSTER_INVALID }
                plugin.host = host
                let status = plugin.run("create", error)
                if !plugin.handsOutNoTable { component?.pointee = plugin.makeTable() }
                return status
            },
            context: Unmanaged.passUnretained(self).toOpaque())
    }

    static func at(_ context: UnsafeMutableRawPointer?) -> TestPlugin? {
        context.map { Unmanaged<TestPlugin>.fromOpaque($0).takeUnretainedValue() }
    }

    private func run(_ call: String, _ error: UnsafeMutablePointer<muster_error>?) -> muster_status {
        note(call)
        return behaviours[call]?(self, error) ?? MUSTER_OK
    }

    private func makeTable() -> UnsafePointer<muster_component> {
        var table = muster_component()
        table.struct_size = UInt32(MemoryLayout<muster_component>.size)
        table.abi_major = 1
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.get_extension = { _, _ in nil }
        table.prepare = { context, options, error in
            TestPlugin.at(context)?.options = options
            return TestPlugin.at(context)?.run("prepare", error) ?? MUSTER_INVALID
        }
        table.activate = { context, state, error in
            let bytes = UnsafeBufferPointer(start: state.data, count: state.length)
            TestPlugin.at(context)?.receivedState = Array(bytes)
            return TestPlugin.at(context)?.run("activate", error) ?? MUSTER_INVALID
        }
        table.quiesce = { context, _, error in TestPlugin.at(context)?.run("quiesce", error) ?? MUSTER_INVALID }
        table.release = { context, sink, error in
            TestPlugin.at(context)?.sink = sink
            return TestPlugin.at(context)?.run("release", error) ?? MUSTER_INVALID
        }
        table.stop = { context in _ = TestPlugin.at(context)?.run("stop", nil) }
        table.destroy = { context in _ = TestPlugin.at(context)?.run("destroy", nil) }
        alterTable(&table)
        let storage = TableStorage(table)
        self.storage = storage
        return storage.pointer
    }

    // MARK: What a plugin does with the host

    /// The table of an extension, or nil.
    func find<Table>(_ id: String, as type: Table.Type) -> UnsafePointer<Table>? {
        guard let host, let getExtension = host.pointee.get_extension else { return nil }
        return id.withABI { getExtension(host.pointee.context, $0) }?.assumingMemoryBound(to: type)
    }

    func log(_ level: muster_log_level, _ message: String, _ fields: [(String, String)] = []) {
        let texts = fields.map { (StableText($0.0), StableText($0.1)) }
        let fields = texts.map { muster_field(key: $0.0.value, value: $0.1.value) }
        message.withABI { host?.pointee.log?(host?.pointee.context, level, $0, fields, fields.count) }
        withExtendedLifetime(texts) {}
    }

    func write(state: [UInt8]) -> muster_status {
        state.withUnsafeBufferPointer { bytes in
            let bytes = muster_bytes(data: bytes.baseAddress, length: bytes.count)
            return sink?.pointee.write?(sink?.pointee.context, bytes) ?? MUSTER_INVALID
        }
    }
}

extension String {
    /// The text as the ABI passes it, for one call.
    func withABI<Result>(_ body: (muster_string) throws -> Result) rethrows -> Result {
        let text = StableText(self)
        defer { withExtendedLifetime(text) {} }
        return try body(text.value)
    }
}

/// Writes the reason of a failure as a plugin does.
func explain(_ message: String, option: String = "", in error: UnsafeMutablePointer<muster_error>?) {
    guard let error else { return }
    withUnsafeMutableBytes(of: &error.pointee.message) { $0.copyBytes(from: message.utf8.prefix(1023)) }
    withUnsafeMutableBytes(of: &error.pointee.option) { $0.copyBytes(from: option.utf8.prefix(127)) }
}

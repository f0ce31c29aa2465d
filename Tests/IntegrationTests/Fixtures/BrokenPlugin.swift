import Foundation
import Testing

/// A plugin that is broken in one way, and what the host has to do about it.
struct BrokenPlugin: Sendable, CustomTestStringConvertible {
    enum Fate: String, Sendable {
        /// It is not tried again before a reload.
        case waitsForReload = "waits for reload"
        /// It is tried again with back-off.
        case retried = "retried with back-off"
        /// Its worker is killed when its time is up; then it is tried again with back-off.
        case endedAtDeadline = "ended at deadline"
        /// Its worker ends, and another one serves at once.
        case replaced
    }

    /// Of a fixture, `libFixture.<name>.so`; of a file, what is in it.
    var name: String
    var fate: Fate
    /// What the operator must read.
    var words: [String]
    /// The file, where it is no fixture's.
    var file: (@Sendable () throws -> Data)?
    /// `muster check` finds it, which activates nothing.
    var isFoundByCheck = true

    var testDescription: String { name }

    init(_ name: String, _ fate: Fate, _ words: String..., file: (@Sendable () throws -> Data)? = nil) {
        self.name = name
        self.fate = fate
        self.words = words
        self.file = file
    }

    /// Puts it where the host finds it as the plugin of `component`.
    func install(in host: LiveHost, as component: String) throws {
        guard let file else { return try host.install("Fixture\(name)", as: component) }
        try host.replace("plugins/lib\(component).so", with: file())
    }

    /// The words that `text` lacks.
    func missing(in text: String) -> [String] { words.filter { !text.contains($0) } }
}

extension BrokenPlugin {
    /// Those that never run: each is looked at in a start, in `muster check`, and in a reload.
    static let atStart: [BrokenPlugin] = manifests + components + files + ends + hangs

    private static let manifests: [BrokenPlugin] = [
        BrokenPlugin("NoEntry", .waitsForReload, "does not export muster_plugin_entry_v1", "MUSTER_EXPORT"),
        BrokenPlugin("EntryNull", .waitsForReload, "muster_plugin_entry_v1 returned NULL", "return the address"),
        BrokenPlugin("WrongMajor", .waitsForReload, "built for ABI 2.0", "this host speaks 1.0"),
        BrokenPlugin("NewerMinor", .waitsForReload, "needs ABI 1.7 or newer", "use a newer host"),
        BrokenPlugin("SmallManifest", .waitsForReload, "struct_size is 16", "MUSTER_INIT(muster_plugin)"),
        BrokenPlugin("TruncatedOption", .waitsForReload, "options[0].struct_size is 24", "MUSTER_INIT(muster_option)"),
        BrokenPlugin("NotUTF8", .waitsForReload, "the manifest's summary is not UTF-8"),
        BrokenPlugin("DuplicateOption", .waitsForReload, "options has two called 'twin'"),
        BrokenPlugin("DuplicateListener", .waitsForReload, "listeners has two called 'twin'"),
        BrokenPlugin("MissingExtension", .waitsForReload, "requires the extension com.example.teleport/1", "it has"),
        BrokenPlugin("UndefinedSymbol", .waitsForReload, "undefined symbol: muster_teleport", "plugins/libBroken.so"),
        BrokenPlugin("ExecutableStack", .waitsForReload, "asks for an executable stack", "-z noexecstack"),
    ]

    private static let components: [BrokenPlugin] = [
        BrokenPlugin("NullFunction", .waitsForReload, "the component table's release is NULL", "it is required"),
        BrokenPlugin("SmallComponent", .waitsForReload, "struct_size is 40", "MUSTER_INIT(muster_component)"),
        BrokenPlugin("NullComponent", .waitsForReload, "left *component NULL", "set it to its table"),
    ]

    private static let files: [BrokenPlugin] = [
        BrokenPlugin("empty file", .waitsForReload, "libBroken.so is empty", "install it again") { Data() },
        BrokenPlugin("text file", .waitsForReload, "is not a shared library (ELF)") { Data("#!/bin/sh\n".utf8) },
        BrokenPlugin("noise", .waitsForReload, "is not a shared library (ELF)") {
            Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 1) })
        },
        BrokenPlugin("another library", .waitsForReload, "is no plugin of this host", "MUSTER_EXPORT") {
            try Data(contentsOf: URL(fileURLWithPath: "/lib/x86_64-linux-gnu/libm.so.6"))
        },
        BrokenPlugin("file cut in the middle", .waitsForReload, "was cut off", "install it again") {
            let whole = try library()
            return whole.prefix(whole.count / 4)
        },
        BrokenPlugin("file cut in its header", .waitsForReload, "was cut off", "install it again") {
            try library().prefix(40)
        },
        BrokenPlugin("32-bit library", .waitsForReload, "another kind of machine (32 bits)", "64 bits") {
            var file = try library()
            file[4] = 1
            return file
        },
    ]

    private static let ends: [BrokenPlugin] = [
        BrokenPlugin("CreateFails", .retried, "the fixture never wants to be created"),
        BrokenPlugin("AbortsInEntry", .retried, "SIGABRT", "in the plugin's muster_plugin_entry_v1"),
        BrokenPlugin("AbortsInCreate", .retried, "SIGABRT", "in the plugin's create"),
        BrokenPlugin("AbortsInPrepare", .retried, "SIGABRT", "in the plugin's prepare"),
        BrokenPlugin("AbortsInActivate", .retried, "SIGABRT", "in the plugin's activate").unfoundByCheck,
        BrokenPlugin("ExitsInPrepare", .retried, "exited with status 0", "not asked to, in the plugin's prepare"),
    ]

    private static let hangs: [BrokenPlugin] = [
        BrokenPlugin("HangsInEntry", .endedAtDeadline, "did not return from muster_plugin_entry_v1", "within 1 s"),
        BrokenPlugin("HangsInCreate", .endedAtDeadline, "did not return from create within 1 s"),
        BrokenPlugin("HangsInPrepare", .endedAtDeadline, "did not return from prepare within 1 s"),
        BrokenPlugin("HangsInActivate", .endedAtDeadline, "did not return from activate within 1 s").unfoundByCheck,
    ]

    private var unfoundByCheck: BrokenPlugin {
        var copy = self
        copy.isFoundByCheck = false
        return copy
    }

    /// A sound plugin's file.
    private static func library() throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: LiveHost.library("FixtureOne")))
    }

    /// Those that break while they run: GET /break is how.
    static let whileRunning: [BrokenPlugin] = [
        BrokenPlugin("ExitsWhileRunning", .replaced, "exited with status 0 although it was not asked to"),
        BrokenPlugin("FailsWhileRunning", .replaced, "the fixture's disk is gone"),
        BrokenPlugin("BlocksLoop", .replaced, "the watchdog ended it: its event loops were silent for 2 s", "handler"),
        BrokenPlugin("BlocksTimer", .replaced, "the watchdog ended it: its control thread was silent for 2 s", "timer"),
        BrokenPlugin("ClosesListener", .replaced, "its listener 'web' was closed or shut down under it"),
        BrokenPlugin("ShutsServer", .replaced, "its listener 'web' was closed or shut down under it"),
        BrokenPlugin("ClosesControlSocket", .replaced, "it closed its control socket"),
    ]

    /// Those whose older generation breaks on its way out, while the newer one takes over.
    static let onTheWayOut: [BrokenPlugin] = [
        BrokenPlugin("AbortsInQuiesce", .replaced, "SIGABRT, in the plugin's quiesce"),
        BrokenPlugin("AbortsInRelease", .replaced, "SIGABRT, in the plugin's release"),
        BrokenPlugin("AbortsInStop", .replaced, "on its way to the end, it was ended by SIGABRT, in the plugin's stop"),
        BrokenPlugin("HangsInQuiesce", .endedAtDeadline, "did not return from quiesce within 0.2 s", "state is lost"),
        BrokenPlugin("HangsInRelease", .endedAtDeadline, "did not return from release within 0.2 s", "state is lost"),
        BrokenPlugin("HangsInStop", .endedAtDeadline, "did not return from stop within 5 s; it is killed"),
    ]

    /// Those that do no harm, each with a test of its own.
    static let harmless = [
        "One", "Two", "Caller", "Server", "RespondsTwice", "RespondsAfterDestroy", "CallsFromWrongPlaces",
        "LeaksDescriptors",
        "LeaksThreads", "OpensOwnSocket", "ShutsListener", "ShutsListenerInStop", "OverflowsState", "FloodsLog",
        "ExportsMore",
    ]
}

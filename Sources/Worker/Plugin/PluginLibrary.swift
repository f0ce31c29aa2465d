internal import Glibc
internal import MusterABI
internal import PluginManifest

/// A plugin's shared library, loaded into this process for good.
///
/// Never unloaded: `dlclose` of a library with Swift code crashes the process at its next look at protocol conformances.
/// New code comes with a new worker.
struct PluginLibrary {
    let path: String
    let manifest: Manifest
    let create: ManifestReader.Create
    let context: UnsafeMutableRawPointer?

    /// Loads the library, which runs its constructors, calls its entry point and checks the manifest.
    init(path: String) throws(PluginProblem) {
        try SharedObject.check(path)
        // All symbols now, so that a missing one is a message here and not a crash later; none of them for others to see.
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            throw PluginProblem(
                """
                the plugin cannot be loaded: \(Self.loaderMessage()); install the library it lacks, or build it for this \
                system
                """)
        }
        guard let symbol = dlsym(handle, MUSTER_PLUGIN_ENTRY_SYMBOL) else {
            throw PluginProblem(
                """
                \(path) is no plugin of this host: it does not export \(MUSTER_PLUGIN_ENTRY_SYMBOL); put MUSTER_EXPORT \
                before its definition, and extern "C" in C++
                """)
        }
        typealias Entry = @convention(c) () -> UnsafePointer<muster_plugin>?
        // The header says what the symbol of this name is.
        let entry = unsafeBitCast(symbol, to: Entry.self)
        let reading = try ManifestReader().read(entry())
        self.path = path
        manifest = reading.manifest
        create = reading.create
        context = reading.context
    }

    /// A plugin whose manifest was read before.
    init(path: String, reading: ManifestReader.Reading) {
        self.path = path
        manifest = reading.manifest
        create = reading.create
        context = reading.context
    }

    private static func loaderMessage() -> String {
        dlerror().map { String(cString: $0) } ?? "no reason is given"
    }
}

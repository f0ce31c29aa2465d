public import MusterABI
import Locks

/// The way in: what the one exported function of a plugin returns.
public enum PluginEntry {
    /// The manifest of a plugin as the ABI wants it: a constant, the same one each time, that lives as long as the
    /// process.
    public static func manifest<P: Plugin>(of plugin: P.Type) -> UnsafePointer<muster_plugin> {
        made.withLock { made in
            if let manifest = made[ObjectIdentifier(plugin)] { return manifest.pointer }
            let manifest = Manifest(of: plugin)
            made[ObjectIdentifier(plugin)] = manifest
            return manifest.pointer
        }
    }

    /// The manifests of this process: one, except in tests.
    private static let made = Locked<[ObjectIdentifier: Manifest]>([:])

    private struct Manifest: @unchecked Sendable {
        // Unchecked: the memory is written before the lock is left, never changed after, and never freed.
        let pointer: UnsafePointer<muster_plugin>

        init<P: Plugin>(of plugin: P.Type) {
            pointer = ManifestMemory.manifest(of: plugin)
        }
    }
}

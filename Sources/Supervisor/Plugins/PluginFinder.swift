import Configuration
import Glibc

/// Where plugins are looked for: beside the executable, then in `host.plugin_dirs`.
struct PluginFinder: Sendable {
    var directories: [String]

    init(executable: String?, pluginDirectories: [String]) {
        directories = (executable.map { [Files.directory(of: $0)] } ?? []) + pluginDirectories
    }

    /// The path of a plugin: `name` itself where it is absolute, otherwise the first file of that name; nil where there
    /// is none.
    func find(_ name: String) -> String? {
        if name.hasPrefix("/") { return Self.isFile(name) ? name : nil }
        return directories.lazy.map { "\($0)/\(name)" }.first(where: Self.isFile)
    }

    /// The file name of a component's plugin where the configuration names none.
    static func fileName(of component: String) -> String { "lib\(component).so" }

    /// Every `lib<Name>.so` whose name a component can have, by name; of several the first that would be found.
    func all() -> [(name: String, path: String)] {
        var found: [(name: String, path: String)] = []
        var seen: Set<String> = []
        for directory in directories {
            for file in (try? Files.names(in: directory)) ?? [] where file.hasPrefix("lib") && file.hasSuffix(".so") {
                let name = String(file.dropFirst(3).dropLast(3))
                let path = "\(directory)/\(file)"
                guard ComponentSettings.isName(name), !seen.contains(name), Self.isFile(path) else { continue }
                seen.insert(name)
                found.append((name, path))
            }
        }
        return found
    }

    private static func isFile(_ path: String) -> Bool {
        guard let status = try? Files.status(path) else { return false }
        return status.st_mode & S_IFMT == S_IFREG
    }
}

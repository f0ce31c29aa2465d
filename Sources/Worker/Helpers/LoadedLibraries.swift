internal import CLinux
internal import Glibc

/// A shared library that this process has loaded.
struct LoadedLibrary {
    var path: String
    /// It is the dynamic loader.
    var isLoader: Bool

    /// The folder it is in; nil for the root folder, which is no place for libraries.
    var folder: String? {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
        return String(path[..<slash])
    }
}

enum LoadedLibraries {
    /// Those that have a path: not the program itself, nor what the kernel maps in.
    static func all() -> [LoadedLibrary] {
        var libraries: [LoadedLibrary] = []
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return }
            var isLoader: CInt = 0
            var index = 0
            while clinux_loaded_library(index, start, buffer.count, &isLoader) == 0 {
                index += 1
                let path = String(cString: start)
                if path.hasPrefix("/") { libraries.append(LoadedLibrary(path: path, isLoader: isLoader != 0)) }
            }
        }
        return libraries
    }
}

enum FolderNames {
    /// The names in the root folder, without `.` and `..`.
    static func inRoot() -> [String] {
        guard let folder = opendir("/") else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

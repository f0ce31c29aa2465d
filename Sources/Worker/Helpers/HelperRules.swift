internal import CLinux
internal import ControlProtocol

/// A place in the file system and what a sealed helper may do there, in the bits of Landlock.
struct HelperRule: Equatable {
    var path: String
    var rights: UInt64

    static let read = CLINUX_LANDLOCK_READ_FILE | CLINUX_LANDLOCK_READ_DIR
    /// The program and its loader: all that may ever be executed.
    static let execute = CLINUX_LANDLOCK_EXECUTE | CLINUX_LANDLOCK_READ_FILE
    /// Everything but to execute, and but to make devices and sockets.
    static let write =
        read | CLINUX_LANDLOCK_WRITE_FILE | CLINUX_LANDLOCK_TRUNCATE | CLINUX_LANDLOCK_REMOVE_DIR
        | CLINUX_LANDLOCK_REMOVE_FILE | CLINUX_LANDLOCK_MAKE_DIR | CLINUX_LANDLOCK_MAKE_REG
        | CLINUX_LANDLOCK_MAKE_SYM | CLINUX_LANDLOCK_MAKE_FIFO | CLINUX_LANDLOCK_REFER
}

/// What a helper may reach of the file system, besides its own program.
///
/// Found by tracing what programs in C and in Swift open on their way to `main`, and what Foundation asks for later.
struct HelperRules {
    /// Where the system's shared libraries are.
    static let libraryFolders = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"]
    static let readable = ["/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/dev/urandom", "/dev/zero"]

    /// Folders of the libraries that the host itself has loaded, which may lie elsewhere: the Swift runtime's.
    var hostLibraryFolders: [String]
    /// The dynamic loader.
    var loader: String?
    /// What is in the root folder. Rules have no exceptions: to leave /proc out, everything beside it is named.
    var rootEntries: [String]

    func rules(for plan: HelperPlan) -> [HelperRule] {
        var rules = (Self.libraryFolders + hostLibraryFolders + Self.readable).map {
            HelperRule(path: $0, rights: HelperRule.read)
        }
        rules.append(
            HelperRule(path: "/dev/null", rights: CLINUX_LANDLOCK_READ_FILE | CLINUX_LANDLOCK_WRITE_FILE))
        if let loader { rules.append(HelperRule(path: loader, rights: HelperRule.execute)) }
        if plan.readsFiles {
            rules += rootEntries.filter { $0 != "proc" }.map { HelperRule(path: "/" + $0, rights: HelperRule.read) }
        }
        if plan.writesState { rules.append(HelperRule(path: plan.stateDirectory, rights: HelperRule.write)) }
        return rules
    }
}

extension HelperRules {
    /// As this process and this machine are.
    static func current() -> HelperRules {
        var rules = HelperRules(hostLibraryFolders: [], loader: nil, rootEntries: FolderNames.inRoot())
        for library in LoadedLibraries.all() {
            if library.isLoader { rules.loader = library.path }
            guard let folder = library.folder, !rules.hostLibraryFolders.contains(folder) else { continue }
            rules.hostLibraryFolders.append(folder)
        }
        return rules
    }
}

import Glibc
import PluginKit

extension ServedFolder {
    /// What the host cannot check.
    func check() throws(PluginError) {
        guard cacheControl.utf8.allSatisfy({ 0x20...0x7E ~= $0 }), cacheControl.trimmingBlanks == cacheControl else {
            throw options.cacheControl.error("It goes into a header field: printable ASCII, without blanks around it.")
        }
        do throws(SystemError) {
            try Folder(path: path.string).check()
        } catch {
            guard !(mayAppearLater && error.code == ENOENT) else { return }
            throw options.path.error(
                "The folder \(path) cannot be served: \(error.reason). Create it, or name another.")
        }
    }

    /// How many files may be kept open: half of what the process may open, where that is less than the operator's wish.
    func openFilesWithinLimit(_ log: Log) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return cache.openFiles }
        let half = Int(clamping: limit.rlim_cur / 2)
        guard cache.openFiles > half else { return cache.openFiles }
        log.warning(
            "Fewer files are kept open than configured: the process may not open more.",
            ["configured": "\(cache.openFiles)", "kept": "\(half)", "limit": "\(limit.rlim_cur)"])
        return half
    }
}

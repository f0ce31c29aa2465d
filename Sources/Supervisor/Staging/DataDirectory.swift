import CLinux
import ControlProtocol
import Glibc

/// The layout of `host.data_dir`:
///
///     data_dir/              0711  the host's
///       lock                 0600  held by the host that runs
///       components/          0711  the workers' user's, so that a reload can add a folder without CAP_CHOWN
///         <Component>/       0700  the workers' user's: the component's own
///       plugins/<sha256>/    0755  copies of the plugins that run
///       receipts/last.json   0600  what the last reload came to
///       identity/            0700  the certificate and authority that the host made for itself
///       last-good.yaml, .json      0600  the configuration that was committed last
struct DataDirectory: Sendable {
    let path: String

    var components: String { path + "/components" }
    var plugins: String { path + "/plugins" }
    var identity: String { path + "/identity" }
    var receipt: String { path + "/receipts/last.json" }
    var lastGood: String { path + "/last-good.yaml" }
    var lastGoodFacts: String { path + "/last-good.json" }

    func component(_ name: String) -> String { components + "/" + name }

    /// Makes what is missing. Called while the host still has all its capabilities.
    func create(for account: Account?) throws(SystemError) {
        try Files.makeDirectory(path, mode: 0o711)
        try Files.makeDirectory(components, mode: 0o711)
        try Files.makeDirectory(plugins, mode: 0o755)
        try Files.makeDirectory(Files.directory(of: receipt), mode: 0o700)
        guard let account else { return }
        try retrying("giving \(components) to \(account.name)") { lchown(components, account.userID, account.groupID) }
    }

    /// Keeps other hosts out of the folder for as long as the descriptor lives (flock(2)).
    func lock() throws(Refusal) -> Descriptor {
        let file: Descriptor
        do throws(SystemError) {
            file = try Files.open(path + "/lock", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        } catch {
            throw Refusal(reason: "host.data_dir cannot be used: \(error)")
        }
        guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            throw Refusal(reason: "another host runs with the data directory \(path); stop it, or set host.data_dir")
        }
        return file
    }

    /// Makes a component's folder, or refuses one that is not the account's.
    func createComponent(_ name: String, for account: Account?) throws(Refusal) {
        let folder = component(name)
        var status = stat()
        if lstat(folder, &status) == 0 {
            try check(status, folder, account)
            return
        }
        let result: CInt
        if let account {
            result = clinux_make_directory_as(folder, 0o700, account.userID, account.groupID)
        } else {
            result = mkdir(folder, 0o700) == 0 ? 0 : -errno
        }
        guard result == 0 else { throw Refusal(reason: "cannot create \(folder): \(SystemError.sentence(-result))") }
    }

    private func check(_ status: stat, _ folder: String, _ account: Account?) throws(Refusal) {
        guard status.st_mode & S_IFMT == S_IFDIR else { throw Refusal(reason: "\(folder) is not a directory") }
        let owner = account?.userID ?? geteuid()
        guard status.st_uid == owner else {
            let name = account?.name ?? String(owner)
            throw Refusal(
                reason: "\(folder) belongs to user \(status.st_uid), but workers run as '\(name)'; "
                    + "chown -R \(name) \(folder), or set host.user")
        }
    }

    /// Refuses where the account could not reach the folder, naming what is in the way.
    func checkReachable(for account: Account?) throws(Refusal) {
        guard let account else { return }
        var folder = path
        while true {
            if let status = try? Files.status(folder), !account.maySearch(status) {
                throw Refusal(
                    reason: "workers run as '\(account.name)', who may not pass through \(folder) on the way to "
                        + "\(path); chmod o+x \(folder), or set host.data_dir or host.user")
            }
            if folder == "/" || folder == "." { return }
            folder = Files.directory(of: folder)
        }
    }
}

internal import Files
internal import Glibc

/// A repository that is published from: what `muster repo` works on (TUF section 6). One process at a time; blocks.
///
///     let repository = try Repository.open("/srv/vendor")
///     try repository.stage(file: "main.hsb", as: "definitions/main.hsb")
///     try repository.publish()
///
/// What is published is what the timestamp names: a publication writes everything else first, so that one that ends early
/// has published nothing, and is gone over by the next.
public final class Repository {
    let folder: RepositoryFolder
    public private(set) var settings: RepositorySettings
    let lock: FileLock
    let clock: () -> MetadataTime
    /// For tests: called before each file that others see is put in place.
    var willWrite: (String) throws -> Void = { _ in }

    public var path: String { folder.path }

    /// How many keys each role has, how many must sign, and how.
    public struct Founding: Sendable {
        public var settings = RepositorySettings()
        public var keys: [String: Int] = [:]
        public var thresholds: [String: Int] = [:]
        public var scheme = SignatureScheme.ed25519

        public init() {}
    }

    /// Makes a repository with keys, and publishes its first version, without targets.
    public static func make(
        _ path: String, _ founding: Founding = Founding(), clock: @escaping () -> MetadataTime = { .now() }
    ) throws(RepositoryFailure) -> Repository {
        try explaining {
            let folder = RepositoryFolder(path: path)
            guard folder.newestRoot() == 0 else {
                throw RepositoryFailure("there is a repository in \(path) already")
            }
            for made in [folder.metadata, folder.targets] { try DurableFiles.makeFolders(made) }
            let repository = Repository(folder, founding.settings, try takeLock(folder), clock)
            try repository.writeSettings()
            try repository.found(founding)
            return repository
        }
    }

    public static func open(
        _ path: String, clock: @escaping () -> MetadataTime = { .now() }
    ) throws(RepositoryFailure) -> Repository {
        try explaining {
            let folder = RepositoryFolder(path: path)
            guard folder.newestRoot() > 0 else {
                throw RepositoryFailure("there is no repository in \(path): 'muster repo init \(path)' makes one")
            }
            var settings = RepositorySettings()
            if access(folder.settings, F_OK) == 0 {
                do {
                    settings = try RepositorySettings(try folder.readJSON(folder.settings))
                } catch {
                    throw RepositoryFailure("\(folder.settings): \(error)")
                }
            }
            return Repository(folder, settings, try takeLock(folder), clock)
        }
    }

    private init(
        _ folder: RepositoryFolder, _ settings: RepositorySettings, _ lock: FileLock,
        _ clock: @escaping () -> MetadataTime
    ) {
        self.folder = folder
        self.settings = settings
        self.lock = lock
        self.clock = clock
    }

    private static func takeLock(_ folder: RepositoryFolder) throws -> FileLock {
        try FileLock.take("\(folder.path)/.lock", within: 10)
    }

    func writeSettings() throws {
        try DurableFiles.replace(folder.settings, with: settings.json.text + [0x0A], mode: 0o600)
    }

    // MARK: Keys

    func keyFolder(of role: String) -> KeyFolder {
        KeyFolder(path: role == RoleName.root ? settings.rootKeys ?? "\(path)/.keys" : "\(path)/.keys")
    }

    func keys(of role: String) throws -> [SigningKey] { try keyFolder(of: role).keys(of: role) }

    private func found(_ founding: Founding) throws {
        var root = RoleDocument(
            role: RoleName.root, type: RoleName.root, ["consistent_snapshot": true, "keys": [:], "roles": [:]])
        for role in RoleName.topLevel {
            let threshold = founding.thresholds[role] ?? 1
            let count = founding.keys[role] ?? threshold
            guard (1...100).contains(count), (1...count).contains(threshold) else {
                throw RepositoryFailure("\(threshold) of \(count) keys cannot sign \(role)")
            }
            var keys = try self.keys(of: role)
            while keys.count < count {
                let key = try SigningKey.make(founding.scheme)
                try keyFolder(of: role).add(key, to: role)
                keys.append(key)
            }
            root.set(role, ids: keys.map(\.id), threshold: threshold, adding: keys.map(\.publicKey))
        }
        let now = clock()
        root.renew(days: settings.days(of: RoleName.root), from: now)
        var targets = RoleDocument(role: RoleName.targets, type: RoleName.targets, ["targets": [:]])
        targets.renew(days: settings.days(of: RoleName.targets), from: now)
        try write(targets, signedBy: try keys(of: RoleName.targets))
        try publish(Current(root: root, snapshot: nil, timestamp: nil, targets: [RoleName.targets: targets]), [:], now)
        // Last: a repository is one as soon as it has a root.
        try write(root, signedBy: try keys(of: RoleName.root))
    }

    func write(_ document: RoleDocument, signedBy keys: [SigningKey]) throws {
        let file = folder.file(document.role, document.version)
        try willWrite(file)
        try DurableFiles.replace(file, with: try document.file(signedBy: keys))
    }
}

internal import Files
internal import Glibc

/// Private keys in files, PKCS #8 in PEM, one a file, below a folder for each role. Blocks.
struct KeyFolder: Sendable {
    let path: String

    func folder(of role: String) -> String { "\(path)/\(RoleName.encoded(role))" }

    /// In the order of their numbers; none where there is no folder. Throws for a file that is no key.
    func keys(of role: String) throws -> [SigningKey] { try Self.keys(in: folder(of: role)) }

    static func keys(in folder: String) throws -> [SigningKey] {
        guard let opened = try? DurableFiles.open(folder, O_RDONLY | O_DIRECTORY, doing: "open the folder") else {
            return []
        }
        var keys: [SigningKey] = []
        for name in try opened.names(upTo: 1000, where: { $0.suffix(4).elementsEqual(".pem".utf8) }) {
            let file = "\(folder)/\(String(decoding: name, as: UTF8.self))"
            do {
                keys.append(try SigningKey(pem: try DurableFiles.read(file, upTo: 64 << 10)))
            } catch let failure as SigningFailure {
                throw RepositoryFailure("\(file): \(failure)")
            }
        }
        return keys.sorted { $0.id < $1.id }
    }

    func add(_ key: SigningKey, to role: String) throws {
        for folder in [path, folder(of: role)] {
            try DurableFiles.makeFolders(folder, mode: 0o700)
        }
        try DurableFiles.replace("\(folder(of: role))/\(key.id.prefix(16)).pem", with: try key.pem(), mode: 0o600)
    }

    /// Keeps a key that signs no more, out of the way: `retired/`.
    func retire(_ key: SigningKey, of role: String) throws {
        try DurableFiles.makeFolders("\(path)/retired", mode: 0o700)
        let name = "\(key.id.prefix(16)).pem"
        guard rename("\(folder(of: role))/\(name)", "\(path)/retired/\(RoleName.encoded(role))-\(name)") == 0 else {
            throw FileFailure(errno, doing: "retire \(folder(of: role))/\(name)")
        }
    }
}

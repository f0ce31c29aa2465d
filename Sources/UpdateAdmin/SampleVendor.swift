internal import Files
internal import OpenSSL
public import UpdateTrust

/// A vendor for development and for showing: a signed repository with definitions of EICAR's test file. Its keys lie in the
/// repository, and it protects nobody.
public enum SampleVendor {
    /// Makes the repository and publishes version 1. Blocks, for a second or two.
    public static func make(_ path: String) throws(RepositoryFailure) -> Publication {
        var founding = Repository.Founding()
        // So that what is tried today still works next week.
        founding.settings.days = [
            RoleName.root: 365, RoleName.targets: 90, RoleName.snapshot: 30, RoleName.timestamp: 30,
        ]
        return try publish(1, to: try Repository.make(path, founding))
    }

    /// Publishes the next version, in which one signature in a hundred is another.
    public static func publishNext(_ path: String) throws(RepositoryFailure) -> Publication {
        let repository = try Repository.open(path)
        guard let bytes = try? DurableFiles.read(note(path), upTo: 32),
            let version = Int(String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self))
        else {
            throw RepositoryFailure("\(path) is no sample: 'muster repo sample' makes one in an empty folder")
        }
        return try publish(version + 1, to: repository)
    }

    private static func note(_ path: String) -> String { "\(path)/.sample" }

    private static func publish(_ version: Int, to repository: Repository) throws(RepositoryFailure) -> Publication {
        let temporary = "\(repository.path)/.sample-file"
        do {
            for (name, content) in try SampleDefinitions.files(version: version).sorted(by: { $0.key < $1.key }) {
                // What has not changed is not published again.
                if version > 1, name != "hashes.hsb" { continue }
                try DurableFiles.replace(temporary, with: content)
                try repository.stage(file: temporary, as: "definitions/\(name)")
            }
            try? DurableFiles.remove(temporary)
            let publication = try repository.publishTested()
            try DurableFiles.replace(note(repository.path), with: Array("\(version)\n".utf8))
            return publication
        } catch let failure as RepositoryFailure {
            throw failure
        } catch let failure as OpenSSLFailure {
            throw RepositoryFailure("OpenSSL could not compute a digest: \(failure.sentence)")
        } catch {
            throw RepositoryFailure("\(error)")
        }
    }
}

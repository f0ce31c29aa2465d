import CLinux
import Configuration
import ControlProtocol
import FoundationEssentials
import Glibc

/// Where the credentials of one https listener are read from: paths, and whom a problem with each is blamed on.
struct CredentialFiles: Equatable {
    /// Chains and bundles are smaller.
    static let sizeLimit = 1 << 20

    var certificate: Located<String>
    var privateKey: Located<String>
    /// nil: clients show no certificates.
    var authority: Located<String>?
    /// The host makes and renews them.
    var areOwn = false

    /// What the files hold.
    struct Contents: Hashable {
        var certificate: Data
        var privateKey: Data
        var authority: Data?
    }

    /// - Parameter account: whom workers run as: their files may be closed to a host that has given up root's rights.
    func read(for account: Account?) throws(CredentialProblem) -> Contents {
        Contents(
            certificate: try Self.read(certificate, "certificate", account).bytes,
            privateKey: try readKey(account),
            authority: try authority.map { authority throws(CredentialProblem) in
                try Self.read(authority, "authority's certificate", account).bytes
            })
    }

    /// A key that everybody can read is no secret.
    private func readKey(_ account: Account?) throws(CredentialProblem) -> Data {
        let (bytes, status) = try Self.read(privateKey, "private key", account)
        guard status.st_mode & (S_IROTH | S_IWOTH) == 0 else {
            throw CredentialProblem(
                message: "the private key \(privateKey.value) can be read by everybody on this machine; "
                    + "chmod o-rwx \(privateKey.value), and think of it as known",
                location: privateKey.location)
        }
        return bytes
    }

    private static func read(
        _ path: Located<String>, _ what: String, _ account: Account?
    ) throws(CredentialProblem) -> (bytes: Data, status: stat) {
        do throws(SystemError) {
            let file = try Files.open(path.value, O_RDONLY, orAs: account)
            let status = try Files.status(file, path.value)
            return (Data(try Files.read(file, path.value, limit: sizeLimit)), status)
        } catch {
            throw CredentialProblem(
                message: "the \(what) \(path.value) cannot be read: \(SystemError.sentence(error.number))",
                location: path.location)
        }
    }

    /// What the files are now, without reading them: one mark each, nil where there is none.
    func marks(for account: Account?) -> [FileMark?] {
        [certificate, privateKey, authority].map { path in
            guard let path, let file = try? Files.open(path.value, clinux_o_path, orAs: account),
                let status = try? Files.status(file, path.value)
            else { return nil }
            return FileMark(status)
        }
    }

    /// The file that a flaw is in.
    func path(of part: CredentialFlaw.Part) -> Located<String> {
        switch part {
        case .certificate: certificate
        case .privateKey: privateKey
        case .authority: authority ?? certificate
        }
    }
}

/// Why a listener cannot be served over TLS, with the place in the configuration that is to blame.
struct CredentialProblem: Error, Equatable {
    var message: String
    var location: SourceLocation?
}

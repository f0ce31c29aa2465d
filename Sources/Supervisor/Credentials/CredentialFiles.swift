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

    func read() throws(CredentialProblem) -> Contents {
        let certificate = try Self.read(self.certificate, "certificate")
        try refuseReadableKey()
        return Contents(
            certificate: certificate, privateKey: try Self.read(privateKey, "private key"),
            authority: try authority.map { authority throws(CredentialProblem) in
                try Self.read(authority, "authority's certificate")
            })
    }

    private static func read(_ path: Located<String>, _ what: String) throws(CredentialProblem) -> Data {
        do throws(SystemError) {
            return Data(try Files.read(path.value, limit: sizeLimit))
        } catch {
            throw CredentialProblem(
                message: "the \(what) \(path.value) cannot be read: \(SystemError.sentence(error.number))",
                location: path.location)
        }
    }

    /// A key that everybody can read is no secret.
    private func refuseReadableKey() throws(CredentialProblem) {
        guard let status = try? Files.status(privateKey.value), status.st_mode & (S_IROTH | S_IWOTH) != 0 else {
            return
        }
        throw CredentialProblem(
            message: "the private key \(privateKey.value) can be read by everybody on this machine; "
                + "chmod o-rwx \(privateKey.value), and think of it as known",
            location: privateKey.location)
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

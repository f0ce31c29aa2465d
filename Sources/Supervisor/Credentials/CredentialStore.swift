import Configuration
import ControlProtocol
import FoundationEssentials
import Glibc

/// Reads what https listeners are served with, has it checked, and makes the host's own where none is configured.
///
/// Nothing here is in force by being read: `StagedConfiguration` holds what a configuration asks for, and only a commit
/// hands it to workers.
final class CredentialStore {
    /// The credentials of one listener, found sound.
    struct Loaded {
        var contents: CredentialFiles.Contents
        var facts: CertificateFacts
        /// The same as long as the contents are: tells a change without comparing secrets.
        var number: UInt64
        /// The certificate's file.
        var path: String
        /// What the files were when they were read, or a little before.
        var marks: [FileMark?]
    }

    private let own: OwnIdentity
    /// For `check`, which leaves nothing behind: what is made is kept in memory.
    private let isScratch: Bool
    private let environment: [String: String]
    private let account: Account?
    private var process: CredentialProcess?
    private var checked: [CredentialFiles.Contents: (facts: CertificateFacts, number: UInt64)] = [:]
    private var lastNumber: UInt64 = 0
    private var madeInMemory: MadeCertificate?
    /// Sentences for the log, each with its level; the driver takes them.
    private var remarks: [(level: LogLevel, sentence: String)] = []
    private var remarked: Set<String> = []

    init(data: DataDirectory, isScratch: Bool, environment: [String: String], account: Account?) {
        own = OwnIdentity(directory: data.identity)
        self.isScratch = isScratch
        self.environment = environment
        self.account = account
    }

    func takeRemarks() -> [(level: LogLevel, sentence: String)] {
        defer { remarks = [] }
        return remarks
    }

    /// The process that checks is not kept for longer than it is needed.
    func rest() { process = nil }

    /// Forgets what was checked for others.
    func retain(_ numbers: Set<UInt64>) { checked = checked.filter { numbers.contains($0.value.number) } }

    // MARK: Loading

    func load(_ listener: ResolvedListener, of component: String, host: HostSettings) throws(CredentialProblem)
        -> Loaded
    {
        let files = try files(for: listener, of: component, host)
        // Before they are read: what changes from here on is found at the next look.
        let marks = files.marks(for: account)
        let contents = try contents(of: files)
        if checked[contents] == nil {
            let facts = try check(contents, of: files)
            lastNumber += 1
            checked[contents] = (facts, lastNumber)
        }
        guard let (facts, number) = checked[contents] else {
            throw CredentialProblem(message: "what was checked is not known any more")
        }
        let loaded = Loaded(
            contents: contents, facts: facts, number: number, path: files.certificate.value, marks: marks)
        remarkOnExpiry(loaded)
        return loaded
    }

    /// What the files of a listener are now; nil where they are the host's own, which only the host changes.
    func marks(of listener: ResolvedListener, of component: String, host: HostSettings) -> [FileMark?]? {
        guard let files = try? files(for: listener, of: component, host), !files.areOwn else { return nil }
        return files.marks(for: account)
    }

    func remark(_ level: LogLevel, _ sentence: String) { remarks.append((level, sentence)) }

    private func files(
        for listener: ResolvedListener, of component: String, _ host: HostSettings
    ) throws(CredentialProblem) -> CredentialFiles {
        let identity = host.identity
        var files: CredentialFiles
        if let certificate = listener.certificate ?? identity.certificate,
            let key = listener.certificate == nil ? identity.privateKey : listener.privateKey
        {
            files = CredentialFiles(certificate: certificate, privateKey: key)
        } else {
            files = CredentialFiles(
                certificate: Located(own.certificatePath), privateKey: Located(own.keyPath), areOwn: true)
        }
        guard listener.clientCertificate != .none else { return files }
        if let authority = identity.authority {
            files.authority = authority
        } else if identity.certificate == nil {
            files.authority = Located(own.authorityPath)
        } else {
            throw CredentialProblem(
                message: "clients of \(component)'s listener '\(listener.name)' show certificates, and nothing says by "
                    + "whose authority: name its PEM file in host.identity.authority",
                location: identity.certificate?.location)
        }
        return files
    }

    private func contents(of files: CredentialFiles) throws(CredentialProblem) -> CredentialFiles.Contents {
        if files.areOwn || files.authority?.value == own.authorityPath { try makeOwn() }
        guard isScratch, let made = madeInMemory else { return try files.read(for: account) }
        // Nothing was written: what is the host's own comes from memory.
        var contents = CredentialFiles.Contents(certificate: made.certificate, privateKey: made.privateKey)
        if !files.areOwn {
            var others = files
            others.authority = nil
            contents = try others.read(for: account)
        }
        if let authority = files.authority {
            contents.authority =
                authority.value == own.authorityPath
                ? made.authority.certificate : try files.read(for: account).authority
        }
        return contents
    }

    private func check(
        _ contents: CredentialFiles.Contents, of files: CredentialFiles
    ) throws(CredentialProblem) -> CertificateFacts {
        let request = CredentialRequest.check(
            certificate: contents.certificate, privateKey: contents.privateKey, authority: contents.authority)
        switch try ask(request) {
        case .sound(let facts): return facts
        case .flawed(let flaw):
            let path = files.path(of: flaw.part)
            let what =
                switch flaw.part {
                case .certificate: "the certificate"
                case .privateKey: "the private key"
                case .authority: "the authority's certificate"
                }
            throw CredentialProblem(message: "\(what) \(path.value) \(flaw.reason)", location: path.location)
        case .failed(let reason): throw CredentialProblem(message: reason)
        case .made: throw CredentialProblem(message: "the process that checks certificates gave another answer")
        }
    }

    private func ask(_ request: CredentialRequest) throws(CredentialProblem) -> CredentialAnswer {
        let process = process ?? CredentialProcess(environment: environment)
        self.process = process
        do throws(Refusal) {
            return try process.ask(request)
        } catch {
            // The next question gets a process of its own.
            self.process = nil
            throw CredentialProblem(message: error.reason)
        }
    }

    // MARK: The host's own

    /// Makes the host's certificate where there is none, or where the one there is will soon be at its end.
    private func makeOwn() throws(CredentialProblem) {
        if madeInMemory != nil { return }
        let former = ownFacts()
        if let former, former.notAfter - Int64(WallClock.now().interval) > OwnIdentity.renewal { return }
        let authority: CertificateOrder.Authority?
        do throws(SystemError) {
            authority = try own.authority()
        } catch {
            throw CredentialProblem(
                message: "the host's own authority in \(own.directory) is damaged: \(error); restore the folder, or "
                    + "remove it, and every client has to be told of a new authority")
        }
        let order = OwnIdentity.order(authority: authority)
        guard case .made(let made) = try ask(.make(order)) else {
            throw CredentialProblem(message: "no certificate could be made with the authority in \(own.directory)")
        }
        if isScratch {
            madeInMemory = made
            return
        }
        do throws(SystemError) {
            try own.keep(made)
        } catch {
            throw CredentialProblem(message: "the certificate that the host made cannot be kept: \(error)")
        }
        if former == nil {
            remarks.append(
                (
                    .notice,
                    "no host.identity is configured: made an authority and a certificate for "
                        + "\((order.names + order.addresses).joined(separator: ", ")); clients trust it by "
                        + "\(own.authorityPath)"
                ))
        } else {
            remarks.append((.notice, "renewed the host's own certificate, \(own.certificatePath)"))
        }
    }

    /// What is to be known of the host's own certificate; nil where there is none that could be served with.
    private func ownFacts() -> CertificateFacts? {
        let files = CredentialFiles(certificate: Located(own.certificatePath), privateKey: Located(own.keyPath))
        guard access(own.certificatePath, F_OK) == 0, let contents = try? files.read(for: nil) else { return nil }
        if let known = checked[contents] { return known.facts }
        return try? check(contents, of: files)
    }

    // MARK: Time

    /// Says, once a day, that a certificate is or will soon be at its end.
    func remarkOnExpiry(_ loaded: Loaded) {
        let left = loaded.facts.notAfter - Int64(WallClock.now().interval)
        guard left < 14 * 86_400 else { return }
        let sentence =
            left < 0
            ? "the certificate \(loaded.path) has expired: clients refuse it; replace it"
            : "the certificate \(loaded.path) expires in \(left / 86_400) days; replace it"
        guard remarked.insert(sentence).inserted else { return }
        remarks.append((left < 0 ? .error : .warning, sentence))
    }
}

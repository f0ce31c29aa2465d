public import Fleet
internal import FoundationEssentials

/// Makes this machine a member of a fleet by a token.
///
/// The server proves itself by the token's fingerprint before it is told the token. The key is made here and stays here.
/// Blocks its thread.
public struct Enrolment: Sendable {
    public var token: EnrolmentToken
    public var folder: IdentityFolder
    /// The machine's, for people: 1 to 64 letters, digits, `.`, `_`, `-`.
    public var name: String
    /// Whose the identity shall be; nil: whoever writes it.
    public var owner: (uid: UInt32, gid: UInt32)?
    /// Whether an identity that is there is replaced.
    public var replaces = false

    public init(token: EnrolmentToken, folder: IdentityFolder, name: String) {
        self.token = token
        self.folder = folder
        self.name = name
    }

    public struct Enrolled: Sendable, Equatable {
        public var client: ClientID
        public var group: String
        public var fleet: String
        public var server: ServerAddress
        public var notAfter: Timestamp
    }

    public func run(at now: Timestamp = .now()) throws(EnrolmentFailure) -> Enrolled {
        guard FleetRole.isName(name) else {
            throw EnrolmentFailure(
                .local, "a machine's name in the fleet has 1 to 64 letters, digits, '.', '_' and '-'",
                advice: "Give one that has: --name NAME.")
        }
        guard replaces || !folder.exists else {
            throw EnrolmentFailure(
                .local, "this machine has an identity already, in \(folder.path)",
                advice: "It stays as it is. To replace it, give --again.")
        }
        // Before the token is shown to anybody: what cannot be kept is not asked for.
        try local { () throws(FleetIdentityError) in try folder.prepare(owner: owner) }
        let server = try local { () throws(FleetIdentityError) in try ServerAddress(token.server) }
        let root = try AuthorityProbe(server: server, fingerprint: token.authority).root(at: now)
        let fleet = try local { () throws(FleetIdentityError) in try FleetAuthority.fleetName(ofRoot: root) }
        let key = try local { () throws(FleetIdentityError) in try IdentityKey.make() }
        let request = try local { () throws(FleetIdentityError) in try key.signingRequest(commonName: name) }
        let answer = try ask(
            EnrolRequest(token: token.secret, request: request, name: name, time: now),
            EnrolmentPost(server: server, root: root))
        do throws(FleetIdentityError) {
            try folder.write(
                key: key, certificate: answer.certificate, authority: root,
                profile: FleetProfile(fleet: fleet, server: "\(server)"), owner: owner)
            let identity = try folder.read()
            return Enrolled(
                client: identity.peer.client ?? answer.client, group: answer.group, fleet: fleet, server: server,
                notAfter: identity.notAfter)
        } catch {
            throw EnrolmentFailure(
                .local, "the server enrolled this machine, and its identity cannot be kept: \(error)",
                advice: "One use of the token is gone. Correct that, and enroll again.")
        }
    }

    private func ask(_ request: EnrolRequest, _ post: EnrolmentPost) throws(EnrolmentFailure) -> EnrolAnswer {
        let body: [UInt8]
        do {
            body = try FleetJSON.encode(request)
        } catch {
            throw EnrolmentFailure(.local, "the request cannot be written: \(error)")
        }
        let (status, bytes) = try post.post(body, to: "/v1/enroll")
        if let problem = try? FleetJSON.decode(Problem.self, from: bytes), status >= 400 {
            throw EnrolmentFailure(.refused, Self.withoutStop(problem.detail))
        }
        guard status == 201, let answer = try? FleetJSON.decode(EnrolAnswer.self, from: bytes) else {
            throw EnrolmentFailure(
                .misunderstood,
                "the server \(post.server) answered with status \(status) and not as a company server of this version does",
                advice: "Compare its version with this machine's: `muster version`.")
        }
        return answer
    }

    private static func withoutStop(_ text: String) -> String {
        let text = text.unicodeScalars.prefix(1000).filter { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
        let shown = String(String.UnicodeScalarView(text))
        return shown.hasSuffix(".") ? String(shown.dropLast()) : shown
    }

    private func local<Value>(_ body: () throws(FleetIdentityError) -> Value) throws(EnrolmentFailure) -> Value {
        do throws(FleetIdentityError) {
            return try body()
        } catch {
            throw EnrolmentFailure(.local, error.reason)
        }
    }
}

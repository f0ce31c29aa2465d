import Fleet
import FoundationEssentials
import Glibc
import Locks
import NetworkTesting

@testable import FleetAdmin

/// A fleet whose server answers `POST /v1/enroll` on a free port of 127.0.0.1, and a folder for an identity.
final class EnrolmentBench: Sendable {
    enum Answer: Sendable {
        /// A certificate for the request's key.
        case certificate
        /// One for another key.
        case otherKey
        case problem(Problem)
        case bytes(status: String, [UInt8])
        /// Nothing; the connection ends.
        case nothing
    }

    let made: MadeAuthority
    let authority: FleetAuthority
    let server: ScriptedServer
    let path: String
    /// Of requests that came.
    let requests: Locked<[EnrolRequest]>
    var folder: IdentityFolder { IdentityFolder(path: path + "/identity") }

    /// - Parameters:
    ///   - roles: of the server's certificate.
    ///   - begin: when the server's certificate was issued, for so long.
    init(
        _ answer: Answer = .certificate, roles: [FleetRole] = [.server], begin: Timestamp = .now(),
        life: Duration = .seconds(86_400)
    ) throws {
        let made = try FleetAuthority.make(fleet: "example", at: begin)
        let authority = try FleetAuthority(
            issuingCertificate: made.issuingCertificate, issuingKey: made.issuingKey, root: made.rootCertificate)
        let key = try IdentityKey.make()
        var certificate = try authority.issue(
            roles, to: try SigningRequest(pem: key.signingRequest(commonName: "hq")), commonName: "hq",
            lifetime: life, at: begin
        ).pem
        if !roles.contains(.server) { certificate += made.rootCertificate }
        let requests = Locked<[EnrolRequest]>([])
        server = try ScriptedServer(
            .init(.init(certificate: Data(certificate.utf8), privateKey: Data(key.pem.utf8)))
        ) { connection in
            let (head, body) = try connection.readRequest()
            guard head.hasPrefix("POST /v1/enroll HTTP/1.1\r\n") else {
                return try connection.answer("404 No", text: "")
            }
            let request = try FleetJSON.decode(EnrolRequest.self, from: body)
            requests.withLock { $0.append(request) }
            switch answer {
            case .nothing: return
            case .bytes(let status, let bytes): try connection.answer(status, body: bytes)
            case .problem(let problem):
                try connection.answer(
                    "\(problem.status) No", ["Content-Type: application/problem+json"],
                    body: try FleetJSON.encode(problem))
            case .certificate, .otherKey:
                let isOther = if case .otherKey = answer { true } else { false }
                let pem = isOther ? try IdentityKey.make().signingRequest(commonName: "x") : request.request
                let client = ClientID.make()
                let issued = try authority.issue(
                    [.client(client)], to: try SigningRequest(pem: pem), commonName: request.name,
                    lifetime: .seconds(86_400))
                let answer = EnrolAnswer(
                    client: client, certificate: issued.pem, authority: authority.root, group: "office")
                try connection.answer("201 Created", body: try FleetJSON.encode(answer))
            }
        }
        (self.made, self.authority, self.requests) = (made, authority, requests)
        path = "/tmp/enrolment-\(getpid())-\(UUID().uuidString)"
        mkdir(path, 0o700)
    }

    deinit {
        server.stop()
        for file in ["identity.pem", "authority.pem", "fleet.json"] { unlink("\(path)/identity/\(file)") }
        rmdir("\(path)/identity")
        rmdir(path)
    }

    func token(authority fingerprint: String? = nil) throws -> EnrolmentToken {
        try EnrolmentToken(
            server: "127.0.0.1:\(server.port)", authority: fingerprint ?? authority.fingerprint,
            secret: TokenSecret.make())
    }

    func enrolment(_ token: EnrolmentToken? = nil, name: String = "ws-17") throws -> Enrolment {
        Enrolment(token: try token ?? self.token(), folder: folder, name: name)
    }

    /// What a person would read; empty where it succeeds.
    func failure(_ enrolment: Enrolment, at now: Timestamp = .now()) -> EnrolmentFailure? {
        do throws(EnrolmentFailure) {
            _ = try enrolment.run(at: now)
            return nil
        } catch { return error }
    }
}

/// Another thread than the test's, of which there are few: what blocks is done there.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in TestThread.start { continuation.resume(returning: body()) } }
}

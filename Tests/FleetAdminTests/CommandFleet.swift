import Fleet
import Foundation
import Locks
import NetworkTesting

/// An administrator's folder, a server of its fleet, and `muster` as the administrator runs it.
final class CommandFleet {
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    private let folder = FileManager.default.temporaryDirectory.path + "/command-fleet-\(UUID().uuidString)"
    let server: ServerDouble

    init(answer: @escaping ServerDouble.Answer) throws {
        let made = try FleetAuthority.make(fleet: "Example")
        // The root signs for itself here: the server of the tests sends its own certificate and no other.
        let authority = try FleetAuthority(
            issuingCertificate: made.rootCertificate, issuingKey: made.rootKey, root: made.rootCertificate)
        func issue(_ role: FleetRole) throws -> (key: IdentityKey, certificate: String) {
            let key = try IdentityKey.make()
            let request = try SigningRequest(pem: try key.signingRequest(commonName: "tested"))
            return (key, try authority.issue([role], to: request, commonName: "tested", lifetime: .seconds(3600)).pem)
        }
        let (key, certificate) = try issue(.server)
        let identity = TestIssuer.Identity(certificate: Data(certificate.utf8), privateKey: Data(key.pem.utf8))
        server = try ServerDouble(
            ScriptedServer.TLS(identity, clientAuthority: Data(made.rootCertificate.utf8)), answer: answer)
        let address = "127.0.0.1:\(server.port)"
        let admin = try issue(.admin(name: "anna", .admin))
        try IdentityFolder(path: folder).write(
            key: admin.key, certificate: admin.certificate, authority: made.rootCertificate,
            profile: FleetProfile(fleet: "Example", server: address, sweeps: address, polls: address))
    }

    deinit {
        server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Built beside the runner of the tests.
    private static let muster: URL = {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let products =
            ProcessInfo.processInfo.environment["MUSTER_PRODUCTS"] ?? (path as NSString).deletingLastPathComponent
        return URL(fileURLWithPath: "\(products)/muster")
    }()

    /// Runs `muster` to its end, half a minute at most.
    /// - Parameter interrupts: whether ^C comes; asked again and again.
    func run(_ arguments: String..., interrupts: () -> Bool = { false }) throws -> Outcome {
        try run(arguments, interrupts: interrupts)
    }

    func run(_ arguments: [String], interrupts: () -> Bool = { false }) throws -> Outcome {
        let process = Process()
        process.executableURL = Self.muster
        process.arguments = arguments
        process.environment = ["MUSTER_FLEET": folder, "PATH": "/usr/bin:/bin"]
        let (output, errors) = (folder + "/output", folder + "/errors")
        for path in [output, errors] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        var turns = 0
        var isInterrupted = false
        while process.isRunning {
            usleep(2_000)
            turns += 1
            if !isInterrupted, interrupts() {
                isInterrupted = true
                process.interrupt()
            }
            if turns == 15_000 { process.terminate() }
        }
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOfFile: output, encoding: .utf8),
            errors: try String(contentsOfFile: errors, encoding: .utf8))
    }
}

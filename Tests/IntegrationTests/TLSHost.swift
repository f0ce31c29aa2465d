import ControlProtocol
import Foundation
import TLSTesting

/// A live host whose component `Web` is UpdateService over a folder with `hello.txt`, on a free port of 127.0.0.1.
struct TLSHost {
    let host: LiveHost
    let authority: TestAuthority

    /// - Parameter identity: false: none is configured, and the host makes its own.
    init(identity: Bool = true, listen: String = "{address: \"127.0.0.1:0\"}", host more: String = "") throws {
        host = try LiveHost(plugins: ["Web": "UpdateService"])
        authority = try TestAuthority()
        try FileManager.default.createDirectory(
            atPath: "\(host.directory)/root", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try host.replace("root/hello.txt", with: Data("hello\n".utf8))
        if identity {
            try host.replace("authority.pem", with: authority.certificate)
            try show(authority.server)
        }
        try configure(identity: identity, listen: listen, host: more)
    }

    func configure(
        identity: Bool = true, listen: String = "{address: \"127.0.0.1:0\"}", cache: String = "no-cache",
        host more: String = ""
    ) throws {
        let files = "identity: {certificate: host.pem, private_key: host.key, authority: authority.pem}"
        try host.configure(
            "Web:\n  listen: {updates: \(listen)}\n  config: {repository: root, cache_control: \(cache)}\n",
            host: (identity ? files : "") + more)
    }

    /// Puts a certificate and its key where the configuration names them.
    func show(_ identity: TestAuthority.Identity) throws {
        try host.replace("host.key", with: identity.privateKey)
        chmod("\(host.directory)/host.key", 0o600)
        try host.replace("host.pem", with: identity.certificate)
    }

    func port() throws -> UInt16 { try host.port(of: "Web") }

    /// The authority of the host's own identity.
    func ownAuthority() throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(host.directory)/data/identity/authority.pem"))
    }

    static let get = "GET /hello.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"

    /// The answer to one request on a connection of its own.
    func get(_ identity: TestAuthority.Identity? = nil) throws -> (status: Int, subject: String) {
        var settings = TLSClient.Settings(trusted: authority.certificate)
        settings.identity = identity
        let client = try TLSClient(port: port(), settings)
        return (try client.exchange(Self.get).status, client.serversSubject)
    }

    /// Runs `openssl s_client` with one request, and answers what it printed.
    func openSSL(_ arguments: [String], authority: String = "authority.pem") throws -> String {
        let address = ["s_client", "-connect", "127.0.0.1:\(try port())", "-CAfile", authority, "-verify_return_error"]
        return try Command.output(
            "openssl", address + arguments, input: "GET /hello.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            directory: host.directory)
    }
}

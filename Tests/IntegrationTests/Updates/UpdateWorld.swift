import Fleet
import Foundation

/// A vendor, distributor servers and a workstation, on addresses of their own with the documented ports.
///
///     vendor :443 ─► distributor 1 :443 ─► distributor 2 :443
///                         └ :50003              └ :50003 ─► workstation
final class UpdateWorld {
    private static let networks = Counter()

    let network: Int
    let authority: FleetAuthority
    let vendor: UpdateHost
    private(set) var distributors: [UpdateHost] = []
    private(set) var workstation: UpdateHost?

    var repository: String { "\(vendor.live.directory)/vendor" }

    /// A vendor that serves the first version of the sample's definitions; nothing runs yet but that.
    /// - Parameter sample: false: its repository is empty.
    init(sample: Bool = true) throws {
        network = Self.networks.next()
        let made = try FleetAuthority.make(fleet: "test")
        authority = try FleetAuthority(
            issuingCertificate: made.issuingCertificate, issuingKey: made.issuingKey, root: made.rootCertificate)
        vendor = try UpdateHost(address: "127.79.\(network).1", components: ["UpdateService"])
        try issue([.distributor(name: "vendor")], to: vendor)
        try muster("repo", sample ? "sample" : "init", repository)
        try vendor.configure(
            """
            UpdateService:
              listen: {updates: "\(vendor.address):443"}
              config: {repository: vendor}
            """)
        try vendor.startAndWait()
    }

    /// - Parameters:
    ///   - upstream: the one before; nil: the vendor.
    ///   - downstreams: addresses that are told of what is new.
    @discardableResult
    func addDistributor(
        upstream: UpdateHost? = nil, downstreams: [String] = [], interval: String = "1h", start: Bool = true,
        more: String = ""
    ) throws -> UpdateHost {
        let host = try UpdateHost(
            address: "127.79.\(network).\(distributors.count + 2)", components: ["UpdateService", "UpdateDistributor"])
        try issue([.distributor(name: "d\(distributors.count + 1)")], to: host)
        try trust(host)
        let from = upstream ?? vendor
        let told = downstreams.map { "\"https://\($0):443\"" }.joined(separator: ", ")
        try host.configure(
            """
            UpdateService:
              listen: {updates: "\(host.address):443"}
              config:
                repository: repository
                identity: identity
                upstream: {url: "https://\(from.address):443", root: root.json, authority: identity/authority.pem, interval: \(interval)}
                downstreams: [\(told)]
            UpdateDistributor:
              listen: {updates: "\(host.address):50003"}
              config: {repository: repository}
            """, host: more)
        distributors.append(host)
        if start { try host.startAndWait() }
        return host
    }

    @discardableResult
    func addWorkstation(
        distributors: [UpdateHost]? = nil, more: String = "", host settings: String = "", start: Bool = true
    ) throws -> UpdateHost {
        let host = try UpdateHost(
            address: "127.79.\(network).20", components: ["CommAgent", "SweepHandler"])
        try issue([.client(.make())], to: host)
        try trust(host)
        let urls = (distributors ?? self.distributors).map { "\"http://\($0.address):50003\"" }.joined(separator: ", ")
        try host.configure(
            """
            CommAgent:
              config:
                root: root.json
                definitions: definitions
                distributors: [\(urls)]
                \(more)
            SweepHandler:
              listen: {sweeps: "\(host.address):50001"}
              config: {roles: [client], definitions: definitions/current}
            """, host: settings)
        workstation = host
        if start { try host.startAndWait() }
        return host
    }

    private func issue(_ roles: [FleetRole], to host: UpdateHost) throws {
        let key = try IdentityKey.make()
        let request = try SigningRequest(pem: try key.signingRequest(commonName: "test"))
        let issued = try authority.issue(
            roles, to: request, commonName: "test", names: [host.address], lifetime: .seconds(86_400))
        try host.folder.write(
            key: key, certificate: issued.pem, authority: authority.root,
            profile: FleetProfile(fleet: "test", server: "\(host.address):50000"))
    }

    /// Gives a host the vendor's first root.
    private func trust(_ host: UpdateHost) throws {
        try host.live.replace(
            "root.json", with: Data(contentsOf: URL(fileURLWithPath: "\(repository)/metadata/1.root.json")))
    }

    @discardableResult
    func muster(_ arguments: String...) throws -> String {
        let outcome = try Command.run("muster", arguments)
        guard outcome.status == 0 else { throw LiveFailure("muster \(arguments): \(outcome.status) \(outcome.output)") }
        return outcome.output
    }

    /// The vendor publishes the next version.
    func publishNext() throws {
        try muster("repo", "sample", repository, "--next")
        vendor.handOver()
    }

    /// Tells a distributor to look at its upstream now, as an administrator's or another distributor's certificate may.
    func check(_ host: UpdateHost, as identity: UpdateHost? = nil) throws -> String {
        try curl(
            "--cert", (identity ?? vendor).folder.identityPath, "--cacert", host.folder.authorityPath, "--request",
            "POST",
            "https://\(host.address):443/v1/check")
    }

    func curl(_ arguments: String...) throws -> String {
        let outcome = try Command.run(
            "/usr/bin/curl", ["--silent", "--show-error", "--insecure", "--max-time", "20"] + arguments)
        guard outcome.status == 0 else { throw LiveFailure("curl \(arguments): \(outcome.output)") }
        return outcome.output
    }

    /// `GET /v1/status` of a component.
    func status(_ host: UpdateHost, https: Bool = true) throws -> [String: Any] {
        let text = try curl("\(https ? "https" : "http")://\(host.address):\(https ? 443 : 50003)/v1/status")
        guard let status = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw LiveFailure("no status: \(text)")
        }
        return status
    }

    /// The version of the snapshot that a distributor's timestamp names; nil where it serves none.
    func snapshotVersion(at host: UpdateHost) -> Int? {
        guard let text = try? curl("--fail", "http://\(host.address):50003/metadata/timestamp.json"),
            let json = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
            let signed = json["signed"] as? [String: Any], let meta = signed["meta"] as? [String: Any],
            let snapshot = meta["snapshot.json"] as? [String: Any]
        else { return nil }
        return snapshot["version"] as? Int
    }
}

/// One machine of the update chain.
final class UpdateHost {
    let live: LiveHost
    let address: String
    var folder: IdentityFolder { IdentityFolder(path: "\(live.directory)/identity") }

    init(address: String, components: [String]) throws {
        live = try LiveHost()
        self.address = address
        for component in components { try live.install(component, as: component) }
        for folder in ["repository", "definitions"] {
            try FileManager.default.createDirectory(
                atPath: "\(live.directory)/\(folder)", withIntermediateDirectories: true)
        }
    }

    func configure(_ components: String, host more: String = "") throws {
        try live.configure(
            components,
            host: """
                identity: {certificate: identity/identity.pem, private_key: identity/identity.pem, authority: identity/authority.pem}
                \(more)
                """)
    }

    /// Gives what the components read and write to the user that workers run as, where the host is started as root.
    func handOver() { live.handOver(["identity", "vendor", "repository", "definitions"]) }

    func startAndWait() throws {
        handOver()
        try live.startAndWait()
    }

    /// The line `version` of the definitions that are active; nil where there are none.
    var activeVersion: String? {
        (try? String(contentsOfFile: "\(live.directory)/definitions/current/version", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func waitForVersion(_ version: String, within seconds: Double = 60) throws {
        try live.waitUntil("definitions \(version) are active; \(activeVersion ?? "none") are", within: seconds) {
            activeVersion == version
        }
    }
}

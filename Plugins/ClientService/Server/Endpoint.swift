package import Fleet

/// Everything that :50000 answers, and to whom: the one table of it.
package enum Endpoint: CaseIterable, Sendable {
    case enroll, renew, heartbeat, lease, progress, result
    case clients, client, groups, jobs, job, cancelJob, detections
    case makeToken, tokens, deleteToken, revoke, backup
    case status

    /// Whom it answers.
    package enum Access: Hashable, Sendable {
        /// A token takes the place of a certificate.
        case anyone
        /// The client itself.
        case client
        /// An administrator of that rank or a higher one.
        case rank(FleetRole.Rank)
        /// A viewer, the company server, or the machine itself.
        case status
    }

    package var method: String {
        switch self {
        case .enroll, .renew, .heartbeat, .lease, .progress, .result, .makeToken, .revoke: "POST"
        case .clients, .client, .groups, .jobs, .job, .detections, .tokens, .backup, .status: "GET"
        case .cancelJob, .deleteToken: "DELETE"
        }
    }

    /// `{}` stands for one part of the path.
    package var path: String {
        switch self {
        case .enroll: "/v1/enroll"
        case .renew: "/v1/renew"
        case .heartbeat: "/v1/heartbeat"
        case .lease: "/v1/jobs/lease"
        case .progress: "/v1/jobs/{}/progress"
        case .result: "/v1/jobs/{}/result"
        case .clients: "/v1/clients"
        case .client: "/v1/clients/{}"
        case .groups: "/v1/groups"
        case .jobs: "/v1/jobs"
        case .job, .cancelJob: "/v1/jobs/{}"
        case .detections: "/v1/detections"
        case .makeToken, .tokens: "/v1/tokens"
        case .deleteToken: "/v1/tokens/{}"
        case .revoke: "/v1/revocations"
        case .backup: "/v1/backup"
        case .status: "/v1/status"
        }
    }

    package var access: Access {
        switch self {
        case .enroll: .anyone
        case .renew, .heartbeat, .lease, .progress, .result: .client
        case .clients, .client, .groups, .jobs, .job, .detections: .rank(.viewer)
        case .cancelJob: .rank(.operator)
        case .makeToken, .tokens, .deleteToken, .revoke, .backup: .rank(.admin)
        case .status: .status
        }
    }

    /// Bytes of a request. A result is shown over the bus, with its job, within 256 KiB.
    package var bodyLimit: Int {
        switch self {
        case .result: 160 << 10
        case .heartbeat, .lease: 64 << 10
        default: 16 << 10
        }
    }

    /// Served where the component has the role.
    package func isServed(by roles: Set<ClientServiceRole>) -> Bool {
        self == .status || roles.contains(.server)
    }

    /// What a request asks for, with the part of the path that `{}` stands for.
    package static func find(
        method: String, path: Substring, roles: Set<ClientServiceRole>
    ) -> Result<(Endpoint, String), Problem> {
        var allowed: [String] = []
        for endpoint in allCases where endpoint.isServed(by: roles) {
            guard let part = endpoint.match(path) else { continue }
            if endpoint.method == method || endpoint.method == "GET" && method == "HEAD" {
                return .success((endpoint, part))
            }
            allowed.append(endpoint.method)
        }
        guard !allowed.isEmpty else {
            return .failure(
                Problem(404, .notFound, "There is nothing here; docs/fleet.md lists what this port answers."))
        }
        return .failure(
            Problem(405, .methodNotAllowed, "This path takes \(Set(allowed).sorted().joined(separator: ", ")) only."))
    }

    /// nil where the path is another.
    private func match(_ path: Substring) -> String? {
        // A fixed path is never the part of another: /v1/jobs/lease is no job.
        let (wanted, given) = (
            self.path.split(separator: "/"), path.split(separator: "/", omittingEmptySubsequences: false)
        )
        guard given.first == "", given.count == wanted.count + 1 else { return nil }
        var part = ""
        for (want, have) in zip(wanted, given.dropFirst()) {
            if want == "{}" {
                guard !have.isEmpty, have.utf8.count <= 128 else { return nil }
                part = String(have)
            } else if want != have {
                return nil
            }
        }
        return part
    }
}

import FileServing
import Fleet
import UpdateTrust

/// What `GET /v1/status` answers.
struct ServiceStatus: Codable, Sendable, Equatable {
    /// A role of the repository that is served.
    struct Role: Codable, Sendable, Equatable {
        var name: String
        var version: Int64
        /// `2030-01-31T23:59:59Z`.
        var expires: String
        /// Below zero: it has expired.
        var secondsLeft: Int64
    }

    /// The component's name in the configuration.
    var component: String
    var version: String
    /// Of the configuration that started this worker.
    var generation: UInt64
    /// Since this worker started; `answers` count from then on as well.
    var uptimeSeconds: Int64
    var answers: AnswerCounts
    /// `serving`, or `mirroring` where there is an upstream.
    var mode: String
    /// nil: it only serves.
    var upstream: String?
    var mirror: MirrorStanding?
    /// Of what is served.
    var roles: [Role] = []
    var targets = 0
    /// Of all targets.
    var bytes: UInt64 = 0
    /// Why what is on disk cannot be read; nil: it can.
    var repositoryError: String?
    var downstreams: [Downstreams.Standing] = []

    mutating func tell(of repository: PublishedRepository, now: MetadataTime) {
        roles = repository.roles.map {
            Role(
                name: $0.name, version: $0.version, expires: "\($0.expires)",
                secondsLeft: $0.expires.seconds - now.seconds)
        }
        targets = repository.targets.count
        bytes = repository.targets.values.reduce(0) { $0 &+ $1.length }
    }
}

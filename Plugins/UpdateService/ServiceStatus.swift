import FileServing

/// What `GET /v1/status` answers.
struct ServiceStatus: Codable, Sendable, Equatable {
    /// The component's name in the configuration.
    var component: String
    var version: String
    /// Of the configuration that started this worker.
    var generation: UInt64
    /// Since this worker started; `answers` count from then on as well.
    var uptimeSeconds: Int64
    var answers: AnswerCounts
}

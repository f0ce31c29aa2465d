package import Fleet

/// The fleet's memory. One process writes it at a time.
///
/// What `write` has returned from is on disk: it survives a kill and a loss of power. Either all that its body did is
/// kept, or nothing. `Tests/ClientServiceTests/StoreConformance.swift` says what every implementation does.
package protocol FleetStore: AnyObject, Sendable {
    /// Runs `body` alone with the store. Throws what `body` throws, or `StoreError`; then nothing of it is kept.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any FleetTransaction) throws -> Value
    ) async throws -> Value

    /// Runs `body` on a state of the store between two writes.
    func read<Value: Sendable>(_ body: @escaping @Sendable (any FleetReading) throws -> Value) async throws -> Value

    /// As `read` and `write`, for the control thread while the store is opened: blocks.
    func readBlocking<Value>(_ body: (any FleetReading) throws -> Value) throws -> Value
    func writeBlocking<Value>(_ body: (any FleetTransaction) throws -> Value) throws -> Value

    /// Writes a copy of one state to a new file, which can be opened as a store of its own.
    func backUp(to path: String) async throws

    /// Waits for what was begun; then every call throws `closed`. May be called twice.
    func close() throws
}

/// What can be looked up. Lists are in the order of their key, behind `after`.
package protocol FleetReading {
    func client(_ id: ClientID) throws -> ClientRecord?
    func clients(after: ClientID?, limit: Int) throws -> [ClientRecord]
    /// Of enrolled clients; groups without one are there too.
    func groups() throws -> [GroupRow]

    func token(hash: [UInt8]) throws -> TokenRecord?
    func tokens(after: TokenID?, limit: Int) throws -> [TokenRow]

    func job(_ id: JobID) throws -> Job?
    /// The newest first, older than `before`.
    func jobs(kind: String?, isFinished: Bool?, before: JobID?, limit: Int) throws -> [Job]
    /// Not finished, and their deadline is at `now` or before.
    func overdueJobs(at now: Timestamp, limit: Int) throws -> [JobID]

    func assignment(of job: JobID, _ client: ClientID) throws -> AssignmentRecord?
    func assignments(of job: JobID, after: ClientID?, limit: Int) throws -> [AssignmentRecord]
    /// Those of a job that have not reached their end.
    func openAssignments(of job: JobID, after: ClientID?, limit: Int) throws -> [AssignmentRecord]
    /// Those of a client that have not reached their end, in the order of their jobs.
    func openAssignments(of client: ClientID) throws -> [AssignmentRecord]
    /// Whose lease ended at `now` or before.
    func expiredLeases(at now: Timestamp, limit: Int) throws -> [AssignmentRecord]

    /// The newest first, older than `before`.
    func detections(since: Timestamp?, before: Int64?, limit: Int) throws -> [(number: Int64, row: DetectionRow)]
    func sweepRuns(of client: ClientID, limit: Int) throws -> [SweepRun]

    /// The subjects that were revoked.
    func revocations() throws -> [String]
}

/// What can be changed.
package protocol FleetTransaction: FleetReading {
    func insert(_ client: ClientRecord) throws
    func update(_ client: ClientRecord) throws
    /// What heartbeats changed, and nothing else. The certificate that is in use takes the place of the former where it is
    /// the one that waits for that; no other is touched.
    func update(_ id: ClientID, heard: HeardClient) throws

    func insert(_ token: TokenRecord) throws
    func setUsesLeft(_ uses: Int, of token: TokenID) throws
    /// False where there is none.
    func deleteToken(_ id: TokenID) throws -> Bool
    func deleteTokens(expiredAt now: Timestamp) throws

    func insert(_ job: Job) throws
    func update(_ job: Job) throws

    func insert(_ assignment: AssignmentRecord) throws
    func update(_ assignment: AssignmentRecord) throws

    func insert(_ detections: [Detection], of client: ClientID, job: JobID, foundAt: Timestamp) throws
    func insert(_ run: SweepRun) throws

    /// Deletes jobs that finished before `time` with their assignments, and detections and runs that are older: a part of
    /// them at a time. True if there may be more.
    func deleteFinished(before time: Timestamp, limit: Int) throws -> Bool

    /// False where it was revoked before.
    func revoke(_ subject: String, by: String, at: Timestamp) throws -> Bool
}

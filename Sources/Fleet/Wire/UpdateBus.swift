// What the components of one host say to each other about updates, over the host's bus.
//
// On a server, UpdateService publishes `updates.published`, which UpdateDistributor follows. On a workstation, CommAgent
// serves `updates.check` and `updates.status`, publishes `definitions.activated` and `definitions.rejected`, and calls
// `definitions.test`, which SweepHandler serves. A call that fails has a `Problem` as its payload.

/// Names of the services about updates, and of their methods.
public enum UpdateBusService {
    /// SweepHandler's: `test` with a `DefinitionsTestOrder` answers a `DefinitionsTestResult`, or fails with the reason.
    public static let definitionsTest = "definitions.test"
    /// CommAgent's: `check` with an `UpdateCheck` answers an `UpdateCheckAnswer`.
    public static let check = "updates.check"
    /// CommAgent's: `get` answers an `UpdateStanding`.
    public static let status = "updates.status"

    public static let testMethod = "test"
    public static let checkMethod = "check"
    public static let statusMethod = "get"
}

/// Names of the topics about updates.
public enum UpdateTopic {
    /// An `UpdatesPublished`: the repository of this host has a new snapshot.
    public static let published = "updates.published"
    /// A `DefinitionsActivated`.
    public static let activated = "definitions.activated"
    /// A `DefinitionsRejected`.
    public static let rejected = "definitions.rejected"
}

/// `definitions.test` `test`: load the definitions of a folder and see whether they find what they must.
public struct DefinitionsTestOrder: Codable, Hashable, Sendable {
    /// Absolute.
    public var folder: String

    public init(folder: String) { self.folder = folder }
}

/// What a set of definitions was found to be.
public struct DefinitionsTestResult: Codable, Hashable, Sendable {
    /// The line of the set's file `version`.
    public var version: String
    public var signatures: Int
    /// Names of the files that were loaded.
    public var files: [String]
    /// Names of the files that no engine of this host reads.
    public var untested: [String]

    public init(version: String, signatures: Int, files: [String] = [], untested: [String] = []) {
        self.version = version
        self.signatures = signatures
        self.files = files
        self.untested = untested
    }
}

/// `updates.published`.
public struct UpdatesPublished: Codable, Hashable, Sendable {
    /// The snapshot's version.
    public var snapshot: Int
    /// How many targets it has.
    public var targets: Int

    public init(snapshot: Int, targets: Int) {
        self.snapshot = snapshot
        self.targets = targets
    }
}

/// `definitions.activated`: the set is in use.
public struct DefinitionsActivated: Codable, Hashable, Sendable {
    public var version: String
    /// Absolute.
    public var folder: String
    public var signatures: Int

    public init(version: String, folder: String, signatures: Int) {
        self.version = version
        self.folder = folder
        self.signatures = signatures
    }
}

/// `definitions.rejected`: the set before it stays in use.
public struct DefinitionsRejected: Codable, Hashable, Sendable {
    public var version: String
    /// A sentence.
    public var reason: String

    public init(version: String, reason: String) {
        self.version = version
        self.reason = reason
    }
}

/// `updates.check` `check`: look for updates now.
public struct UpdateCheck: Codable, Hashable, Sendable {
    /// The snapshot's version that the workstation should have; nil: the newest there is. Nothing is fetched where it has
    /// that one or a later one.
    public var snapshot: Int?

    public init(snapshot: Int? = nil) { self.snapshot = snapshot }
}

/// Whether a check begins.
public struct UpdateCheckAnswer: Codable, Hashable, Sendable {
    /// What becomes of it.
    public enum Result: String, Codable, Hashable, Sendable {
        /// It begins now.
        case started
        /// One is under way, and another follows it.
        case joined
        /// The snapshot that was asked for is here.
        case current
    }

    public var result: Result
    /// The snapshot's version that is here; nil: none.
    public var snapshot: Int?

    public init(_ result: Result, snapshot: Int? = nil) {
        self.result = result
        self.snapshot = snapshot
    }
}

/// Why updates are not had.
public struct UpdateTrouble: Codable, Hashable, Sendable {
    /// A word for programs: `expired`, `unsigned`, `unreachable`.
    public var cause: String
    /// The role that it is about; nil: none.
    public var role: String?
    /// For people.
    public var sentence: String
    /// When it was first so, without a success since.
    public var since: Timestamp

    public init(cause: String, role: String? = nil, sentence: String, since: Timestamp) {
        self.cause = cause
        self.role = role
        self.sentence = sentence
        self.since = since
    }
}

/// `updates.status` `get`: how a workstation stands with its updates.
public struct UpdateStanding: Codable, Hashable, Sendable {
    /// What it does: `idle`, `checking`, `fetching`, `activating`, `waiting`.
    public var state: String
    /// The snapshot's version; nil: none yet.
    public var snapshot: Int?
    /// The version of the definitions in use; nil: none.
    public var definitions: String?
    /// The version that can be gone back to; nil: none.
    public var previous: String?
    /// The distributor that was last asked.
    public var source: String?
    public var lastCheck: Timestamp?
    public var lastSuccess: Timestamp?
    public var error: UpdateTrouble?
    /// Bytes that came as deltas, and as whole files.
    public var deltaBytes: Int?
    public var fullBytes: Int?

    public init(
        state: String, snapshot: Int? = nil, definitions: String? = nil, previous: String? = nil,
        source: String? = nil, lastCheck: Timestamp? = nil, lastSuccess: Timestamp? = nil, error: UpdateTrouble? = nil,
        deltaBytes: Int? = nil, fullBytes: Int? = nil
    ) {
        self.state = state
        self.snapshot = snapshot
        self.definitions = definitions
        self.previous = previous
        self.source = source
        self.lastCheck = lastCheck
        self.lastSuccess = lastSuccess
        self.error = error
        self.deltaBytes = deltaBytes
        self.fullBytes = fullBytes
    }
}

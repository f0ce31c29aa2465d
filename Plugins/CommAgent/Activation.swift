import Fleet

/// When definitions are activated, and when not. Pure.
enum Activation {
    /// What is done about the set that a snapshot has.
    enum Decision: Hashable {
        case activate
        /// It is in use.
        case current
        /// The snapshot has none.
        case none
        /// It was gone back from, or failed its test: a sentence.
        case leave(String)
    }

    static func decision(
        offered: String, isEmpty: Bool, current: String?, rolledBack: (identity: String, version: String)?,
        rejected: AgentRecord.Rejected?
    ) -> Decision {
        if isEmpty { return .none }
        if offered == current { return .current }
        if let rolledBack, rolledBack.identity == offered {
            return .leave(
                "Definitions \(rolledBack.version) were gone back from on this machine, and wait for the next version.")
        }
        if let rejected, rejected.identity == offered {
            return .leave("Definitions \(rejected.version) were rejected: \(rejected.reason)")
        }
        return .activate
    }

    /// What the engine said of a set.
    enum Verdict: Sendable {
        case passed(DefinitionsTestResult)
        /// A sentence.
        case failed(String)
        /// Nobody was there to test it, or it could not be asked.
        case absent(String)
        /// Whoever tested it ended, or was not done in time.
        case lost(String)
    }

    enum Step: Hashable {
        case switchOver
        case reject(String)
        /// Again later.
        case wait(String)
    }

    /// How often a test may end without an answer until the set is held responsible for it.
    static let lossLimit = 3

    /// - Parameter losses: how often the test of this set was lost before.
    /// - Parameter isNamed: whether the set names its version; the engine makes one up otherwise.
    static func step(after verdict: Verdict, version: String, isNamed: Bool = true, losses: Int) -> Step {
        switch verdict {
        case .passed(let result) where isNamed && result.version != version:
            .reject("The engine loaded version \(result.version) instead of \(version).")
        case .passed: .switchOver
        case .failed(let reason): .reject(reason)
        case .absent(let reason): .wait("Definitions \(version) wait for their test: \(reason)")
        case .lost(let reason) where losses + 1 >= lossLimit:
            .reject("Their test was lost \(losses + 1) times, the last time so: \(reason)")
        case .lost(let reason): .wait("Definitions \(version) wait to be tested again: \(reason)")
        }
    }
}

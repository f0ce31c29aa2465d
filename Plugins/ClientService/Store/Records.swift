package import Fleet

// Rows of the fleet's store. Times are the server's.

package struct ClientRecord: Hashable, Sendable {
    package var id: ClientID
    package var name: String
    package var group: String
    package var standing: ClientRow.Standing = .enrolled
    package var enrolledAt: Timestamp
    package var seenAt: Timestamp?
    /// Milliseconds that the client's clock is ahead.
    package var clockSkew: Int64?
    package var version: String?
    package var definitions: String?
    package var statusHash = ""
    package var status: ClientStatus?
    package var doorbells: [String: Doorbell] = [:]
    /// Where its connections come from, without the port.
    package var address: String?
    /// The certificate that it uses.
    package var serial: String
    /// One that was made for it and that it has not used yet; nil: none.
    package var nextSerial: String?
    package var certificateEndsAt: Timestamp
    /// The certificate that several machines were found to use: who shows it makes a new key, and the second to do so gets
    /// an id of its own.
    package var sharedSerial: String?
    package var clonedFrom: ClientID?
    package var openDetections = 0
}

extension ClientRecord {
    /// It shows a certificate: the one that was made for it and not used yet takes the place of the former.
    mutating func promote(_ shown: String) {
        guard shown == nextSerial else { return }
        serial = shown
        nextSerial = nil
    }
}

/// What is known of a client in memory before it is in the store.
package struct HeardClient: Hashable, Sendable {
    package var name: String
    package var seenAt: Timestamp?
    package var clockSkew: Int64?
    package var version: String?
    package var definitions: String?
    package var doorbells: [String: Doorbell]
    package var address: String?
    /// The certificate that it used last.
    package var serial: String
    package var sharedSerial: String?
}

package struct TokenRecord: Hashable, Sendable {
    package var row: TokenRow
    /// SHA-256 of the secret.
    package var hash: [UInt8]
}

package struct AssignmentRecord: Hashable, Sendable {
    package var job: JobID
    package var client: ClientID
    package var standing: AssignmentStanding
    package var progress: Progress?
    package var result: JSONValue?
    package var isLate = false
}

package struct SweepRun: Hashable, Sendable {
    package var job: JobID
    package var client: ClientID
    package var finishedAt: Timestamp
    package var isComplete: Bool
    package var definitions: String
    package var coverage: SweepCoverage
}

/// Why the store did not do what was asked.
package struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// It is handed over to the next generation.
        case closed
        /// Another process holds it.
        case locked
        case full
        case readOnly
        case damaged
        /// A newer Muster wrote it.
        case newer
        case other
    }

    package var kind: Kind
    /// What happened, where, and what to do.
    package var message: String

    package var description: String { message }
}

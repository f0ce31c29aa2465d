internal import Fleet
import Locks

/// What every request of a client is checked against, and what heartbeats change: in memory, and written to the store in
/// batches.
final class ClientRegistry: Sendable {
    /// One client, in memory.
    struct Entry: Sendable {
        var name: String
        var group: String
        var standing: ClientRow.Standing
        var serial: String
        var nextSerial: String?
        var sharedSerial: String?
        /// The instance that was the first to renew a shared certificate.
        var renewedBy: String?
        var seenAt: Timestamp?
        var statusHash: String
        var osFamily: String?
        var os: String?
        var version: String?
        var definitions: String?
        var clockSkew: Int64?
        var doorbells: [String: Doorbell]
        var address: String?
        var isOnline = false
        var instances = InstanceHistory()
        /// The store has something older.
        var isChanged = false
    }

    private struct State {
        var entries: [ClientID: Entry] = [:]
        /// Subjects: `muster:admin/anna`.
        var revoked: Set<String> = []
    }

    private let state = Locked(State())

    // MARK: Loading and keeping

    func load(_ records: [ClientRecord]) {
        state.withLock { state in
            for record in records { state.entries[record.id] = Entry(record) }
        }
    }

    func load(revocations: [String]) { state.withLock { $0.revoked = Set(revocations) } }

    func add(_ record: ClientRecord) { state.withLock { $0.entries[record.id] = Entry(record) } }

    func entry(_ id: ClientID) -> Entry? { state.withLock { $0.entries[id] } }

    /// Every client with what `select` makes of it, where that is not nil. It is made of a copy, so that heartbeats do not
    /// wait for an administrator's long selector.
    func collect<Value: Sendable>(_ select: (ClientID, Entry) -> Value?) -> [Value] {
        let entries = state.withLock { $0.entries }
        return entries.compactMap { select($0.key, $0.value) }
    }

    func update(_ id: ClientID, _ body: (inout Entry) -> Void) {
        state.withLock { state in
            guard var entry = state.entries[id] else { return }
            body(&entry)
            state.entries[id] = entry
        }
    }

    /// The clients that changed since the last call, as far as heartbeats change them.
    func takeChanged() -> [(ClientID, Entry)] {
        state.withLock { state in
            let changed = state.entries.filter { $0.value.isChanged }
            for id in changed.keys { state.entries[id]?.isChanged = false }
            return changed.map { ($0.key, $0.value) }
        }
    }

    /// What could not be written is written with the next batch.
    func putBack(_ ids: [ClientID]) { state.withLock { for id in ids { $0.entries[id]?.isChanged = true } } }

    // MARK: Who may come in

    /// What a client may do with the certificate that it shows.
    enum Admission: Equatable {
        case admitted
        /// The certificate is used by several machines: it may say that it lives, and renew.
        case shared
        case refused(Problem)
    }

    /// A certificate that is used for the first time takes the place of the former.
    func admit(_ id: ClientID, serial: String) -> Admission {
        state.withLock { state in
            guard var entry = state.entries[id] else {
                return .refused(
                    Problem(
                        403, .unknownClient,
                        "The company server does not know this client; enrol it again with a new token (muster enroll --again)."
                    ))
            }
            guard entry.standing == .enrolled else {
                return .refused(
                    Problem(
                        403, .revoked,
                        "This client was revoked; if that was a mistake, enrol it again with a new token (muster enroll --again)."
                    ))
            }
            // First of all: a machine with the shared certificate is one of several.
            if serial == entry.sharedSerial { return .shared }
            if serial == entry.serial { return .admitted }
            if serial == entry.nextSerial {
                entry.serial = serial
                entry.nextSerial = nil
                entry.isChanged = true
                state.entries[id] = entry
                return .admitted
            }
            return .refused(
                Problem(
                    403, .superseded,
                    "This certificate was replaced by a newer one: the machine was set back to an older state or copied. Enrol it again with a new token (muster enroll --again)."
                ))
        }
    }

    /// nil: nothing speaks against it. `subject` is a role's.
    func refusal(of role: FleetRole) -> Problem? {
        guard state.withLock({ $0.revoked.contains(role.subject) }) else { return nil }
        return Problem(
            403, .revoked, "The certificate of \(role.subject) was revoked; ask an administrator for a new one.")
    }

    func revoke(_ subject: String, client: ClientID?) {
        state.withLock { state in
            state.revoked.insert(subject)
            if let client { state.entries[client]?.standing = .revoked }
        }
    }

    // MARK: Who lives

    /// What a heartbeat came to.
    struct HeartbeatEffect: Equatable {
        /// It was unheard of before.
        var cameOnline = false
        var wantsStatus = false
        /// Another machine uses the same identity.
        var isShared = false
        /// That was found out just now.
        var foundShared = false
    }

    func heard(_ heartbeat: Heartbeat, of id: ClientID, from address: String, at now: Timestamp) -> HeartbeatEffect {
        state.withLock { state in
            guard var entry = state.entries[id] else { return HeartbeatEffect() }
            var effect = HeartbeatEffect()
            effect.cameOnline = !entry.isOnline
            entry.isOnline = true
            entry.seenAt = now
            entry.name = heartbeat.name
            entry.version = heartbeat.version
            entry.definitions = heartbeat.definitions
            entry.clockSkew = (heartbeat.time - now).wholeMilliseconds
            entry.doorbells = heartbeat.doorbells
            entry.address = address
            if entry.instances.note(heartbeat.instance), entry.sharedSerial == nil {
                entry.sharedSerial = entry.serial
                effect.foundShared = true
            }
            effect.isShared = entry.sharedSerial == entry.serial
            if let status = heartbeat.status {
                entry.statusHash = heartbeat.statusHash
                entry.osFamily = status.system.family
                entry.os = status.system.os
            } else {
                effect.wantsStatus = !heartbeat.statusHash.isEmpty && heartbeat.statusHash != entry.statusHash
            }
            entry.isChanged = true
            state.entries[id] = entry
            return effect
        }
    }

    /// It waits for jobs: that is a sign of life too.
    func touched(_ id: ClientID, at now: Timestamp) -> Bool {
        state.withLock { state in
            guard let wasOnline = state.entries[id]?.isOnline else { return false }
            state.entries[id]?.isOnline = true
            state.entries[id]?.seenAt = now
            state.entries[id]?.isChanged = true
            return !wasOnline
        }
    }

    /// Those that have not been heard of since `time` and are now taken for offline.
    func expire(unheardSince time: Timestamp, except isWaiting: (ClientID) -> Bool) -> [(ClientID, Entry)] {
        state.withLock { state in
            var gone: [(ClientID, Entry)] = []
            for (id, entry) in state.entries
            where entry.isOnline && (entry.seenAt.map { $0 < time } ?? true) && !isWaiting(id) {
                state.entries[id]?.isOnline = false
                gone.append((id, entry))
            }
            return gone
        }
    }
}

extension ClientRegistry.Entry {
    init(_ record: ClientRecord) {
        self.init(
            name: record.name, group: record.group, standing: record.standing, serial: record.serial,
            nextSerial: record.nextSerial, sharedSerial: record.sharedSerial, seenAt: record.seenAt,
            statusHash: record.statusHash, osFamily: record.status?.system.family, os: record.status?.system.os,
            version: record.version, definitions: record.definitions, clockSkew: record.clockSkew,
            doorbells: record.doorbells, address: record.address)
    }

    var heard: HeardClient {
        HeardClient(
            name: name, seenAt: seenAt, clockSkew: clockSkew, version: version, definitions: definitions,
            doorbells: doorbells, address: address, serial: serial, sharedSerial: sharedSerial)
    }

    /// Whether a machine that renews a shared certificate is not the first to do so. Where a restart has let it be
    /// forgotten who was, it is not: the first one's certificate stays good.
    func isTaken(for instance: String) -> Bool {
        guard let sharedSerial else { return false }
        if let renewedBy { return renewedBy != instance }
        return serial != sharedSerial || nextSerial != nil
    }

    func subject(_ id: ClientID) -> SelectorSubject {
        SelectorSubject(
            id: id, name: name, group: group, osFamily: osFamily, os: os, version: version, definitions: definitions,
            isOnline: isOnline)
    }
}

/// The starts of a client's component that were heard of, to notice two machines with one identity.
///
/// A component that was started anew is heard of under a new name and never again under the old one. Two machines take
/// turns. One turn back may be a message that was under way when its sender died; three may not.
struct InstanceHistory: Sendable, Equatable {
    static let turnsBack = 3
    private static let kept = 8

    private var current: String?
    private var former: [String] = []
    private var turns = 0

    /// True when there are two.
    mutating func note(_ instance: String) -> Bool {
        guard instance != current else { return turns >= Self.turnsBack }
        if former.contains(instance) { turns += 1 }
        former.removeAll { $0 == instance }
        if let current { former.append(current) }
        former = Array(former.suffix(Self.kept))
        current = instance
        return turns >= Self.turnsBack
    }
}

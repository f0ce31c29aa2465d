internal import Fleet
import PluginKit

extension FleetServer {
    /// How far a clock may be off when a certificate is asked for: certificates are valid from an hour before.
    static let clockTolerance = Duration.seconds(300)
    /// What one answer offers at most.
    static let offersAtOnce = 16

    func answer(_ endpoint: Endpoint, _ call: FleetCall, _ exchange: Exchange) async throws -> Answer {
        switch endpoint {
        case .enroll: return try await enroll(call)
        case .renew: return try await renew(call)
        case .heartbeat: return try await heartbeat(call)
        case .lease: return try await lease(call)
        case .progress: return try await progress(call)
        case .result: return try await result(call)
        default: return try await administer(endpoint, call)
        }
    }

    /// The client that asks.
    /// - Parameter allowsShared: also with a certificate that several machines use.
    private func client(
        _ call: FleetCall, allowsShared: Bool = false
    ) throws(Problem) -> (id: ClientID, serial: String, isShared: Bool) {
        guard let peer = call.peer, let id = peer.client else {
            throw Problem(403, .notAllowed, "Only clients may do that.")
        }
        switch registry.admit(id, serial: peer.serial) {
        case .admitted: return (id, peer.serial, false)
        case .shared where allowsShared: return (id, peer.serial, true)
        case .shared:
            throw Problem(
                409, .superseded,
                "Several machines use this certificate; the client gets a new one with its next heartbeat.")
        case .refused(let problem): throw problem
        }
    }

    // MARK: Certificates

    private func enroll(_ call: FleetCall) async throws -> Answer {
        let order: EnrolRequest = try call.json()
        guard (1...253).contains(order.name.utf8.count) else {
            throw Problem(400, .invalid, "The name of a client has 1 to 253 bytes.")
        }
        let store = try store()
        let now = now
        let hash = TokenSecret.hash(order.token)
        // Known to be good before a signature is made for it, and taken with the client's row.
        _ = try await store.read { try $0.usableToken(hash: hash, at: now) }
        let skew = order.time - now
        guard abs(skew.wholeMilliseconds) < Self.clockTolerance.wholeMilliseconds else {
            throw Problem(
                400, .clockSkew,
                "The client's clock is \(Self.describe(skew)) the company server's; set it, and enrol again. The token was not used.",
                time: now)
        }
        let request = try Self.signingRequest(order.request)
        let id = ClientID.make(at: now)
        let issued = try issue([.client(id)], to: request, name: order.name, now)
        let record = try await store.write { store in
            let token = try store.usableToken(hash: hash, at: now)
            try store.setUsesLeft(token.row.usesLeft - 1, of: token.row.id)
            let record = ClientRecord(
                id: id, name: order.name, group: token.row.group, enrolledAt: now, serial: issued.serial,
                certificateEndsAt: issued.notAfter)
            try store.insert(record)
            return record
        }
        registry.add(record)
        publish(FleetTopic.clientEnrolled, id, record.name, record.group)
        host.log.notice("A client was enrolled.", ["client": "\(id)", "name": record.name, "group": record.group])
        return try .json(
            EnrolAnswer(client: id, certificate: issued.pem, authority: authority.root, group: record.group), .created)
    }

    private func renew(_ call: FleetCall) async throws -> Answer {
        let order: RenewRequest = try call.json()
        let (id, serial, isShared) = try client(call, allowsShared: true)
        let request = try Self.signingRequest(order.request)
        let store = try store()
        guard let entry = registry.entry(id) else { throw Problem(403, .unknownClient, "This client is unknown.") }
        // Of several machines with one certificate, the first to renew keeps the id.
        let isSecond = isShared && entry.isTaken(for: order.instance)
        let now = now
        let newID = isSecond ? ClientID.make(at: now) : id
        let roles: [FleetRole] = call.peer?.isServer == true ? [.server, .client(newID)] : [.client(newID)]
        let issued = try issue(roles, to: request, name: entry.name, now)
        let record = try await store.write { store in
            guard var record = try store.client(id) else {
                throw Problem(403, .unknownClient, "This client is unknown.")
            }
            if isSecond {
                record.id = newID
                record.clonedFrom = id
                record.enrolledAt = now
                record.serial = issued.serial
                record.nextSerial = nil
                record.sharedSerial = nil
                record.openDetections = 0
                record.certificateEndsAt = issued.notAfter
                try store.insert(record)
            } else {
                record.promote(serial)
                record.nextSerial = issued.serial
                record.sharedSerial = isShared ? serial : record.sharedSerial
                if isShared { record.clonedFrom = id }
                record.certificateEndsAt = issued.notAfter
                try store.update(record)
            }
            return record
        }
        if isSecond {
            registry.add(record)
            publish(FleetTopic.clientEnrolled, newID, record.name, record.group)
        } else {
            registry.update(id) { entry in
                entry.nextSerial = issued.serial
                if isShared { entry.renewedBy = order.instance }
            }
        }
        host.log.info("A client's certificate was renewed.", ["client": "\(newID)", "name": record.name])
        return try .json(RenewAnswer(client: newID, certificate: issued.pem))
    }

    private static func signingRequest(_ text: String) throws(Problem) -> SigningRequest {
        do {
            return try SigningRequest(pem: text)
        } catch {
            throw Problem(400, .invalid, "The certificate request was refused: \(error).")
        }
    }

    private func issue(
        _ roles: [FleetRole], to request: SigningRequest, name: String, _ now: Timestamp
    ) throws(Problem) -> IssuedCertificate {
        do {
            return try authority.issue(
                roles, to: request, commonName: FleetRole.isName(name) ? name : "client",
                lifetime: options.certificateLife, at: now)
        } catch {
            host.log.error("No certificate could be issued.", ["error": "\(error)"])
            throw Problem(500, .failed, "The company server could not issue a certificate; its log says why.")
        }
    }

    /// `3 hours 5 minutes ahead of`.
    static func describe(_ skew: Duration) -> String {
        let seconds = abs(skew.components.seconds)
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60)
        let parts = [(days, "day"), (hours, "hour"), (minutes, "minute")].filter { $0.0 > 0 }
            .prefix(2).map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
        let length = parts.isEmpty ? "\(seconds) seconds" : parts.joined(separator: " ")
        return length + (skew < .zero ? " behind" : " ahead of")
    }

    // MARK: Heartbeats

    private func heartbeat(_ call: FleetCall) async throws -> Answer {
        var heartbeat: Heartbeat = try call.json()
        let (id, _, isShared) = try client(call, allowsShared: true)
        heartbeat.bound()
        metrics.heartbeats.add()
        let now = now
        var answer = HeartbeatAnswer(time: now, intervalSeconds: max(1, Int(options.heartbeat.components.seconds)))
        let effect = registry.heard(heartbeat, of: id, from: call.address, at: now)
        answer.rekey = isShared || effect.isShared
        answer.wantsStatus = effect.wantsStatus
        let entry = registry.entry(id)
        if effect.cameOnline, let entry { publish(FleetTopic.clientOnline, id, entry.name, entry.group) }
        if effect.foundShared, let entry {
            host.log.warning(
                "Two machines use one identity; both get new keys, and the second a new id.",
                ["client": "\(id)", "name": entry.name])
        }
        let store = try store()
        if let status = heartbeat.status {
            let hash = heartbeat.statusHash
            try await store.write { try $0.keep(status, hash: hash, of: id) }
        }
        // Who waits at the long poll hears there, and costs no look into the store.
        if !waiters.isWaiting(id) {
            answer.jobsWaiting = try await store.read { try $0.openAssignments(of: id) }.count {
                $0.standing.state == .queued
            }
        }
        return try .json(answer)
    }

    // MARK: Jobs

    private func lease(_ call: FleetCall) async throws -> Answer {
        let request: LeaseRequest = try call.json()
        let (id, _, _) = try client(call)
        guard request.held.count <= 1000, (0...300).contains(request.waitSeconds) else {
            throw Problem(400, .invalid, "A client holds at most 1000 jobs and waits for at most 300 seconds.")
        }
        let store = try store()
        let ticket = waiters.begin(id, until: .now + .seconds(request.waitSeconds))
        defer { waiters.finish(ticket) }
        if registry.touched(id, at: now), let entry = registry.entry(id) {
            publish(FleetTopic.clientOnline, id, entry.name, entry.group)
        }
        while true {
            let answer = try await change(store) { try $0.lease(id, held: request.held, offering: Self.offersAtOnce) }
            if !answer.offers.isEmpty || !answer.cancels.isEmpty || !answer.forget.isEmpty || request.waitSeconds == 0 {
                return try .json(answer)
            }
            switch await waiters.wait(ticket) {
            case .look: continue
            case .timeout, .handover: return .nothingYet
            case .superseded:
                // Two machines with one identity would end each other's polls as fast as they can ask.
                throw Problem(409, .busy, "A newer poll of this client has taken the place of this one.")
            }
        }
    }

    private func progress(_ call: FleetCall) async throws -> Answer {
        let report: ProgressReport = try call.json()
        let job = try call.job()
        let (id, _, _) = try client(call)
        let state = try await change(try store()) { ledger -> ProgressAnswer in
            guard let record = try ledger.store.assignment(of: job, id) else { throw Self.noAssignment }
            let (next, _) = try ledger.step(
                record, .report(report.stage, attempt: report.attempt, sequence: report.sequence),
                progress: report.progress?.bounded)
            return ProgressAnswer(state: next.standing.state, cancel: next.standing.isCancelRequested)
        }
        return try .json(state)
    }

    private static let noAssignment = Problem(404, .notFound, "This client has no such job.")

    private func result(_ call: FleetCall) async throws -> Answer {
        let outcome: Outcome = try call.json()
        let job = try call.job()
        let (id, _, _) = try client(call)
        let now = now
        let (state, found) = try await change(try store()) { ledger -> (AssignmentState, [DetectionRow]?) in
            guard let record = try ledger.store.assignment(of: job, id) else { throw Self.noAssignment }
            let reason = outcome.reason.cut(to: 4000)
            let (next, effect) = try ledger.step(record, .finish(outcome.end, reason: reason), result: outcome.result)
            let isFirst = effect == .moved || next.isLate && !record.isLate
            guard isFirst, let kind = try ledger.store.job(job)?.kind else { return (next.standing.state, nil) }
            return (
                next.standing.state, try ledger.store.keepResult(outcome.result, kind: kind, job: job, of: id, at: now)
            )
        }
        // nil: it was there already.
        if let found {
            metrics.result(outcome.end)
            events.found(found)
        }
        return try .json(OutcomeAnswer(state: state))
    }
}

extension FleetReading {
    /// Throws a `Problem` where the token is none, too old or used up.
    fileprivate func usableToken(hash: [UInt8], at now: Timestamp) throws -> TokenRecord {
        guard let token = try token(hash: hash) else {
            throw Problem(
                403, .tokenUnknown,
                "The company server does not know this token: it was deleted, has long expired, or is of another fleet. Ask for a new one (muster fleet token create)."
            )
        }
        guard token.row.expiresAt > now else {
            throw Problem(
                403, .tokenExpired,
                "This token expired at \(token.row.expiresAt). Ask for a new one (muster fleet token create).")
        }
        guard token.row.usesLeft > 0 else {
            throw Problem(
                403, .tokenUsedUp,
                "This token was used as often as it may be. Ask for a new one (muster fleet token create).")
        }
        return token
    }
}

extension FleetTransaction {
    fileprivate func keep(_ status: ClientStatus, hash: String, of id: ClientID) throws {
        guard var record = try client(id) else { return }
        record.status = status
        record.statusHash = hash
        record.definitions = status.definitions?.version
        record.openDetections = status.openDetections
        try update(record)
    }

    /// Keeps what a result says beside the assignment: a sweep's coverage and detections.
    fileprivate func keepResult(
        _ result: JSONValue?, kind: String, job: JobID, of id: ClientID, at now: Timestamp
    ) throws -> [DetectionRow] {
        guard kind == "sweep", let result,
            let report = try? FleetJSON.decode(SweepReport.self, from: FleetJSON.encode(result))
        else { return [] }
        try insert(
            SweepRun(
                job: job, client: id, finishedAt: now, isComplete: report.isComplete, definitions: report.definitions,
                coverage: report.coverage))
        try insert(report.detections, of: id, job: job, foundAt: now)
        let name = try client(id)?.name ?? ""
        return report.detections.map {
            DetectionRow(client: id, name: name, job: job, foundAt: now, detection: $0)
        }
    }
}

import Configuration
import ControlProtocol
import Glibc

extension HostDriver {
    func perform(_ action: Action) {
        switch action {
        case .readConfiguration:
            announceReload()
            readConfiguration()
        case .resolve(let proposal, let units): resolve(proposal, units)
        case .spawn(let id, let plan, let generation, let proposal):
            spawn(id, plan, generation: generation, proposal: proposal)
        case .send(let id, let command):
            if case .stop = command { post(helper: .workerStops(id)) }
            send(id, command)
        case .signal(let id, let number): processes[id]?.signal(number)
        case .grantListener(let id, let component, let listener, let addresses):
            grant(id, component: component, listener: listener, addresses: addresses)
        case .renewCredentials(let id, let proposal): renewCredentials(of: id, proposal: proposal)
        case .retainListeners(let addresses): listeners.retain(addresses)
        case .inspectListeners: inspectListeners()
        case .log(let level, let component, let generation, let message):
            log.log(level, message, component: component, generation: generation)
        case .finished(let receipt, let clients): finished(receipt, clients)
        case .refuse(let clients, let reason):
            for client in clients { control?.answer(client, .refused(reason)) }
        case .committed(let proposal): committed(proposal)
        case .retainProposals(let ids): retain(ids)
        case .exit(let status): exitStatus = status
        }
    }

    /// A plugin can shut a shared socket down for everybody.
    func inspectListeners() {
        for address in listeners.relisten() {
            log.log(.error, "a plugin had shut the listener \(address) down; it listens again")
        }
    }

    // MARK: Configurations

    private func readConfiguration() {
        let settings: Settings
        var pinned: [String: PluginPlan] = [:]
        if let initial = initialSettings {
            settings = initial
            pinned = setup.pinned
            initialSettings = nil
        } else {
            switch ConfigurationReader.read(path: setup.configurationPath, environment: setup.environment) {
            case .success(let read): settings = read
            case .failure(let list):
                let sound = ConfigurationReader.soundPart(
                    path: setup.configurationPath, environment: setup.environment)
                // Only what is known without asking a plugin: what runs must not wait for one.
                let further = sound.map { stage.problems(of: $0) { _ in nil } } ?? []
                post(.configurationRefused(list.texts + further))
                return
            }
        }
        switch stage.stage(settings, pinned: pinned) {
        case .success(let proposal): post(.configurationRead(proposal))
        case .failure(let failure): post(.configurationRefused(failure.diagnostics))
        }
        logRemarks()
    }

    private func resolve(_ proposal: UInt64, _ names: [String]) {
        let known = machine.transaction?.proposal.map { $0.id == proposal ? $0.units : [] } ?? []
        let units = (known.isEmpty ? machine.units.map(\.plan) : known).filter { names.contains($0.name) }
        post(.resolved(proposal: proposal, stage.resolve(proposal: proposal, units: units)))
        logRemarks()
    }

    private func committed(_ proposal: UInt64) {
        guard let configuration = stage.configurations[proposal], !setup.isCheck else { return }
        ledger.configure(Set(configuration.components.map(\.name)))
        log.threshold = LogLevel(rawValue: configuration.settings.host.logLevel) ?? .info
        log.use(configuration.settings.host.logFormat == .json ? .json : .text, environment: setup.environment)
        remarkOnRestart(configuration.settings.host)
        committedText = configuration.text
        let facts = LastGood(
            configurationPath: Files.absolute(configuration.settings.path),
            plugins: configuration.plugins.values.filter { $0.builtIn == nil }.sorted { $0.component < $1.component }
                .map {
                    .init(component: $0.component, originPath: $0.originPath, copyPath: $0.copyPath, digest: $0.digest)
                })
        do throws(SystemError) {
            try facts.write(configuration.text, to: stage.data)
        } catch {
            log.log(.warning, "the last good configuration could not be kept: \(error)")
        }
    }

    /// What cannot change while the host runs.
    private func remarkOnRestart(_ host: HostSettings) {
        let started = setup.settings.host
        let changed = [
            ("host.data_dir", host.dataDirectory.value != started.dataDirectory.value),
            ("host.control", host.controlPath.value != started.controlPath.value),
            ("host.user", host.user?.value != started.user?.value),
            ("host.group", host.group?.value != started.group?.value),
        ].filter(\.1).map(\.0)
        if !changed.isEmpty {
            log.log(.warning, "\(changed.joined(separator: ", ")) changed: that takes a restart of the host")
        }
    }

    private func retain(_ ids: Set<UInt64>) {
        plans = plans.filter { processes[$0.key] != nil }
        // Before the first commit the copies on disk may be all there is of the last good configuration.
        guard machine.committed != nil else { return }
        var digests = Set(plans.values.flatMap { $0.plugins.map(\.digest) })
        for unit in machine.units { digests.formUnion(unit.plan.plugins.map(\.digest)) }
        stage.retain(ids, keeping: digests)
    }

    // MARK: Receipts

    private func finished(_ receipt: ReloadReceipt, _ clients: [ClientID]) {
        lastReceipt = receipt
        ledger.reloaded(receipt)
        announce(receipt)
        for client in clients { control?.answer(client, .receipt(receipt)) }
        guard !setup.isCheck else { return }
        do throws(SystemError) {
            try ReceiptFile.write(receipt, to: stage.data.receipt)
        } catch {
            log.log(.warning, "the receipt is kept in memory only: \(error)")
        }
    }
}

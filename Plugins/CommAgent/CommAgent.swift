internal import Files
import Fleet
import Locks
import PluginJSON
public import PluginKit
import UpdateFetching
import UpdateTrust

/// Fetches updates for a workstation from its distributors, and activates them.
///
/// It believes the vendor's root key and nothing in between. It looks for updates when it starts, by its interval, and when
/// it is told to on the bus; `Updater` is the main path.
public final class CommAgent: Plugin {
    public typealias Options = CommAgentOptions

    static let checkService = Service(UpdateBusService.check)
    static let statusService = Service(UpdateBusService.status)
    static let published = Topic(UpdateTopic.published)

    public static let description = PluginDescription(
        id: "org.muster.comm-agent", name: "CommAgent", version: "0.1.0",
        summary: "Fetches updates for this workstation and activates them.", vendor: "Muster contributors",
        licence: "MIT",
        bus: [
            .serves(checkService, help: "Looks for updates now."),
            .serves(statusService, help: "Says how this workstation stands with its updates."),
            .calls(HostSurroundings.testService, help: "Has definitions tested before they are used."),
            .subscribes(
                published, help: "Looks for updates at once when this host's own repository has a new snapshot."),
            .publishes(Topic(UpdateTopic.activated), help: "Tells of definitions that are in use from now on."),
            .publishes(Topic(UpdateTopic.rejected), help: "Tells of definitions that failed their test."),
        ],
        requires: [.httpClient, .metrics, .state, .timer, .work])

    private let host: Host
    private let rootPath: String
    private let updater: Updater
    private let rhythm: CheckRhythm

    public init(options: Options, host: Host) throws {
        self.host = host
        guard !options.distributors.isEmpty || options.companyServer != nil else {
            throw options.$distributors.error("It needs a distributor, or the option 'company_server'.")
        }
        var rules: [FileInstaller.Rule] = []
        for text in options.install {
            guard let rule = FileInstaller.Rule(text) else {
                throw options.$install.error("'\(text)' is not written as 'files/rules/* -> /opt/rules'.")
            }
            rules.append(rule)
        }
        rootPath = options.root.string
        let limits = HostTransport.Limits(bandwidth: UInt64(options.bandwidth.bytes))
        updater = Updater(
            Updater.Settings(
                distributors: options.distributors.map(\.string), companyServer: options.companyServer?.string,
                stateFolder: try host.stateDirectory.string,
                limits: UpdateOffer.Limits(setSize: UInt64(options.sizeLimit.bytes)),
                installer: FileInstaller(rules: rules, allowed: options.allowedDestinations.map(\.string))),
            store: DefinitionsStore(folder: options.definitions.string),
            transport: try HostTransport(host, limits: limits), surroundings: HostSurroundings(host: host),
            apply: { (patch, from, into, limit) throws(UpdateError) in
                try DeltaPatch.apply(patch: patch, from: from, into: into, limit: limit)
            })
        rhythm = try CheckRhythm(interval: options.interval, updater, host)
    }

    public func prepare() throws {
        // The configuration is at fault, and says so before anything is replaced.
        do {
            _ = try TrustedMetadata(root: try DurableFiles.read(rootPath, upTo: MetadataLimits().root), now: .now())
        } catch {
            throw PluginError(
                "The vendor's root cannot be used: \(error).", kind: .configuration, option: "root")
        }
        try host.serve(Self.checkService) { [rhythm, updater] call async throws in
            guard call.method == UpdateBusService.checkMethod else {
                throw CallFailure("'\(call.service)' has the method \(UpdateBusService.checkMethod)")
            }
            let order: UpdateCheck = call.payload.isEmpty ? UpdateCheck() : try call.json()
            let snapshot = await updater.snapshot
            if let wanted = order.snapshot, let snapshot, snapshot >= wanted {
                try call.reply(json: UpdateCheckAnswer(.current, snapshot: snapshot))
            } else {
                try call.reply(
                    json: UpdateCheckAnswer(
                        rhythm.checkNow(wanting: order.snapshot) ? .started : .joined, snapshot: snapshot))
            }
        }
        try host.serve(Self.statusService) { [updater] call async throws in
            guard call.method == UpdateBusService.statusMethod else {
                throw CallFailure("'\(call.service)' has the method \(UpdateBusService.statusMethod)")
            }
            try call.reply(json: await updater.standing())
        }
        try host.subscribe(Self.published) { [rhythm] message in
            let news: UpdatesPublished = try message.json()
            rhythm.checkNow(wanting: news.snapshot)
        }
    }

    public func activate(state: [UInt8]) throws {
        let root = try DurableFiles.read(rootPath, upTo: MetadataLimits().root)
        host.start { [updater, rhythm, host] in
            do throws(UpdateError) {
                try await updater.begin(root: root)
                rhythm.begin()
            } catch {
                if error.transport?.cause != .cancelled {
                    host.fail("What is known of updates cannot be taken up: \(error).")
                }
            }
        }
    }

    public func quiesce(deadline: SuspendingClock.Instant) throws { rhythm.end() }

    public func stop() { rhythm.end() }
}

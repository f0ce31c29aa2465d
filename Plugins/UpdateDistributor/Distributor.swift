public import FileServing
public import PluginKit

/// Serves the files of one folder to workstations over plain HTTP: trust lies in the signatures of what is served.
public final class Distributor: Plugin {
    public typealias Options = FolderOptions

    public static let listener = Listener.http("updates", port: 50003, help: "Hands files to workstations.")

    public static let description = PluginDescription(
        id: "org.muster.update-distributor", name: "UpdateDistributor", version: "0.1.0",
        summary: "Serves a folder of updates to workstations.", vendor: "Muster contributors", licence: "MIT",
        listeners: [listener], requires: [.work])

    private let host: Host
    private let files: FolderServer

    public init(options: Options, host: Host) throws {
        self.host = host
        files = try FolderServer(options, host: host)
    }

    public func prepare() throws { try host.serve(Self.listener, with: files) }
}

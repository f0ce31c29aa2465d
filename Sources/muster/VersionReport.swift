internal import ControlProtocol
internal import MusterABI

/// What this program is.
struct VersionReport: Encodable {
    var version: String
    /// The plugin ABI that it speaks: it loads plugins of this major, built for this minor or an older one.
    var pluginABI: String

    static let current = VersionReport(
        version: HostVersion.current, pluginABI: "\(MUSTER_ABI_MAJOR).\(MUSTER_ABI_MINOR)")

    var text: String { "muster \(version) (plugin ABI \(pluginABI))" }
}

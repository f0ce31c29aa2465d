import ControlProtocol
import FoundationEssentials

/// The configuration that was committed last, kept so that `muster run --last-good` can start it: its text, where it
/// came from (relative paths in it are relative to that), and the plugins that ran with it.
struct LastGood: Codable, Equatable {
    struct Plugin: Codable, Equatable {
        var component: String
        var originPath: String
        var copyPath: String
        var digest: String
    }

    var configurationPath: String
    var plugins: [Plugin]

    /// Two files, each replaced whole; the text last, so that it never comes without what belongs to it.
    func write(_ text: [UInt8], to data: DataDirectory) throws(SystemError) {
        guard let facts = try? JSONEncoder().encode(self) else {
            throw SystemError("writing \(data.lastGoodFacts)", number: 22)
        }
        try Files.replace(data.lastGoodFacts, with: [UInt8](facts), mode: 0o600)
        try Files.replace(data.lastGood, with: text, mode: 0o600)
    }

    static func read(from data: DataDirectory) throws(SystemError) -> (facts: LastGood, text: [UInt8]) {
        let text = try Files.read(data.lastGood, limit: 1 << 20)
        let bytes = try Files.read(data.lastGoodFacts, limit: 1 << 20)
        guard let facts = try? JSONDecoder().decode(LastGood.self, from: Data(bytes)) else {
            throw SystemError("reading \(data.lastGoodFacts), which is damaged", number: 22)
        }
        return (facts, text)
    }

    /// The plugins by component, in the form that staging takes.
    var pinned: [String: PluginPlan] {
        var plans: [String: PluginPlan] = [:]
        for plugin in plugins {
            plans[plugin.component] = PluginPlan(
                component: plugin.component, originPath: plugin.originPath, digest: plugin.digest,
                copyPath: plugin.copyPath, stateDirectory: "")
        }
        return plans
    }
}

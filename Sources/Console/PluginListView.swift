/// A plugin that was found, as `muster plugin list` shows it.
public struct ListedPlugin: Codable, Equatable, Sendable {
    public var name: String
    public var path: String
    public var version: String?
    public var summary: String?
    /// Why the host would refuse it.
    public var problem: String?

    public init(name: String, path: String, version: String? = nil, summary: String? = nil, problem: String? = nil) {
        self.name = name
        self.path = path
        self.version = version
        self.summary = summary
        self.problem = problem
    }
}

/// The plugins in the folders where the host looks.
public struct PluginListView: Sendable {
    public var plugins: [ListedPlugin]

    public init(_ plugins: [ListedPlugin]) { self.plugins = plugins }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        guard !plugins.isEmpty else {
            return "No plugin was found: the host looks for lib<Name>.so beside its own executable, then in "
                + "host.plugin_dirs."
        }
        var table = Table(columns: [
            .init(title: "PLUGIN", minimum: 10), .init(title: "VERSION", minimum: 7),
            .init(title: "SUMMARY", minimum: 20),
            .init(title: "FILE", minimum: 12),
        ])
        table.rows = plugins.map { plugin in
            [
                Table.Cell(oneLine(plugin.name)), Table.Cell(plugin.version.map(oneLine) ?? "-"),
                plugin.problem == nil ? Table.Cell(oneLine(plugin.summary ?? "")) : Table.Cell("cannot be used", .bad),
                Table.Cell(oneLine(plugin.path)),
            ]
        }
        let problems = plugins.compactMap { plugin in
            plugin.problem.map { "\(oneLine(plugin.name)): \(oneLine($0))".wrapped(to: terminal.width, indent: "  ") }
        }
        let blocks = [table.render(on: terminal).joined(separator: "\n"), problems.joined(separator: "\n")]
        return blocks.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }
}

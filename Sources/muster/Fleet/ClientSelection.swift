internal import ArgumentParser
internal import FleetAdmin

/// Whom a list is about: nobody named means all.
struct ClientFilter: ParsableArguments {
    @Option(help: ArgumentHelp("Clients of this group; may be given again.", valueName: "group"))
    var group: [String] = []

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp("Clients that this selects, such as 'os=linux and definitions<41'.", valueName: "selector"))
    var expression: String?

    func validate() throws { try checkNames(["--group": group, "--where": expression.map { [$0] } ?? []]) }

    func selector(clients: [String] = []) -> String? {
        SelectorText.composed(groups: group, clients: clients, where: expression)
    }
}

/// Whom an order is for: somebody must be named, or all.
struct ClientSelection: ParsableArguments {
    @Flag(help: "Every client of the fleet.")
    var all = false

    @Option(help: ArgumentHelp("A client, by its name or id; may be given again.", valueName: "client"))
    var client: [String] = []

    @OptionGroup var filter: ClientFilter

    func validate() throws {
        try checkNames(["--client": client])
        let selector = filter.selector(clients: client)
        if all, selector != nil {
            throw ValidationError("Give either --all, or whom you mean with --group, --client and --where.")
        }
        if !all, selector == nil {
            throw ValidationError("Say whom you mean: --all, --group GROUP, --client CLIENT or --where SELECTOR.")
        }
    }

    var selector: String { filter.selector(clients: client) ?? "all" }
}

/// An empty name comes from an unset variable of a script, and must not mean somebody else.
private func checkNames(_ options: [String: [String]]) throws {
    for (option, names) in options where names.contains(where: { $0.allSatisfy(\.isWhitespace) }) {
        throw ValidationError("\(option) is empty.")
    }
}

/// A span of time on the command line.
struct Span: ExpressibleByArgument {
    var duration: Duration

    init?(argument: String) {
        guard let duration = DurationText.read(argument), duration > .zero else { return nil }
        self.duration = duration
    }

    init(_ duration: Duration) { self.duration = duration }

    var defaultValueDescription: String { "\(duration.components.seconds / 3600)h" }
}

internal import ArgumentParser
internal import Console
internal import Fleet
internal import FleetAdmin

struct DetectionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detections",
        abstract: "List the threats that sweeps have found, the newest first.",
        discussion: """
              muster detections --since 24h
              muster detections --client reception
              muster detections --group office --json | jq -r '.detection.path'

            With --json the list is a JSON document a line.
            """)

    @Option(help: ArgumentHelp("Of this client, by its name or id; may be given again.", valueName: "client"))
    var client: [String] = []

    @OptionGroup var filter: ClientFilter

    @Option(help: ArgumentHelp("Found within this time, such as 24h or 7d.", valueName: "duration"))
    var since: Span?

    @Option(help: ArgumentHelp("So many at most.", valueName: "n"))
    var limit = 1000

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var connection: FleetConnection

    func validate() throws {
        if client.contains(where: { $0.allSatisfy(\.isWhitespace) }) { throw ValidationError("--client is empty.") }
        if limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    func run() throws {
        let server = try connection.client()
        var rows: [DetectionRow] = []
        var (count, hasMore) = (0, false)
        try asking { () throws(AdminFailure) in
            var start: Timestamp?
            if let since { start = try server.serverTime() + (.zero - since.duration) }
            try server.forEachDetection(where: filter.selector(clients: client), since: start) {
                row throws(AdminFailure) in
                guard count < limit else {
                    hasMore = true
                    return false
                }
                count += 1
                if json { return Output.showJSONLine(row) }
                rows.append(row)
                return true
            }
        }
        if !json { Output.show(DetectionsView(rows, now: .now()).render(on: Output.terminal)) }
        if hasMore { Output.complain { _ in "There are more than these \(limit): --limit N lists further ones." } }
    }
}

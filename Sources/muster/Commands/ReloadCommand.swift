internal import ArgumentParser
internal import Console
internal import ControlProtocol

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Take over a changed configuration or changed plugins, as a whole or not at all.",
        discussion: """
            Waits until the reload is committed or refused, and prints its receipt: what became of each component, and \
            every mistake with file, line and column. Only components that changed are started anew; no connection is \
            refused meanwhile.

              muster reload
              muster reload --last        the receipt of the last one, also of a SIGHUP's

            Exits with 1 where the reload was refused or rolled back: what ran before goes on.
            """)

    @OptionGroup var socket: ControlSocket

    @Flag(help: "Reload nothing; print the receipt of the last reload, or of the start.")
    var last = false

    @Flag(help: "Print the receipt as JSON.")
    var json = false

    /// Every step of a reload has a limit of its own, some seconds long; this is for a host that does not answer at all.
    private static let longestReload = 300.0

    func run() throws {
        let path = try socket.path()
        let response =
            last
            ? try socket.ask(.lastReceipt, at: path, timeout: 10)
            : try socket.ask(.reload, at: path, timeout: Self.longestReload)
        guard case .receipt(let receipt) = response else { throw unexpectedAnswer(at: path) }
        let view = ReceiptView(receipt)
        if json {
            try Output.showJSON(receipt)
        } else {
            Output.show(view.render(on: Output.terminal))
        }
        if !view.isSuccess { throw ExitCode.failure }
    }
}

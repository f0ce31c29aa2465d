internal import ArgumentParser
internal import Console
internal import ControlProtocol
internal import Glibc

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what a host runs, and how it is.",
        discussion: """
            A line for each component: its ports, state, process, generation, restarts, connections, and requests in the \
            last second; where the terminal is wide enough also requests since the host began, TLS handshakes (how many \
            took up a former session, how many failed), what went over the bus and memory. Below the table stands what wants attention.

              muster status
              muster status --watch
              muster status --json | jq '.components[] | select(.state != "running")'
            """)

    @OptionGroup var socket: ControlSocket

    @Flag(help: "Print JSON, with everything the host tells.")
    var json = false

    @Flag(help: "Show it again every second, until ^C.")
    var watch = false

    func validate() throws {
        if json, watch { throw ValidationError("Give either --json or --watch, not both.") }
    }

    func run() throws {
        let path = try socket.path()
        if watch { return try watchStatus(at: path) }
        let status = try status(at: path)
        if json { return try Output.showJSON(status) }
        Output.show(StatusView(status).render(on: Output.terminal))
    }

    private func status(at path: String) throws(CommandProblem) -> HostStatus {
        guard case .status(let status) = try socket.ask(.status, at: path, timeout: 10) else {
            throw unexpectedAnswer(at: path)
        }
        return status
    }

    /// Draws until a signal asks to end. A host that is gone may come again.
    private func watchStatus(at path: String) throws {
        let ticker = SecondTicker()
        var redraw = Redraw()
        var hasAnswered = false
        repeat {
            let terminal = Output.terminal
            do throws(CommandProblem) {
                let status = try status(at: path)
                hasAnswered = true
                Output.draw(redraw.next(StatusView(status).render(on: terminal), on: terminal))
            } catch {
                guard hasAnswered else { throw error }
                let frame = ProblemLine.text(error.message, advice: "Asking again each second; ^C ends.", on: terminal)
                Output.draw(redraw.next(frame, on: terminal))
            }
        } while ticker.wait()
    }
}

/// Seconds, until SIGINT or SIGTERM.
private struct SecondTicker {
    private var signals = sigset_t()

    init() {
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        // Blocked, so that they end the wait and not the process in the middle of a frame.
        sigprocmask(SIG_BLOCK, &signals, nil)
    }

    /// Waits for a second; false when it is time to end.
    func wait() -> Bool {
        var (signals, second) = (signals, timespec(tv_sec: 1, tv_nsec: 0))
        return sigtimedwait(&signals, nil, &second) == -1
    }
}

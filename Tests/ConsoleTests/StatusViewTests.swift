import ControlProtocol
import Testing

@testable import Console

@Suite struct StatusViewTests {
    @Test func aHealthyHostIsATableWithoutNotes() {
        let distributor = ComponentStatus.sample(
            "UpdateDistributor", listeners: [.sample(["[::]:50003"], connections: 12, rate: 1_234)])
        let raw = ComponentStatus.sample("Echo", listeners: [.sample(["127.0.0.1:7"], transport: "raw")])
        #expect(
            StatusView(.sample([distributor, raw])).render(on: .wide(88)) == """
                muster 0.1.0 is running: pid 4242, generation 3, up 2 d 4 h
                configuration /etc/muster/config.yaml

                COMPONENT          PORTS        STATE     PID  GEN  UPTIME  RESTARTS  CONN  REQ/S
                UpdateDistributor  50003        running  4711    3   3h20m         0    12   1.2k
                Echo               127.0.0.1:7  running  4711    3   3h20m         0     0      -
                """)
    }

    @Test func memoryIsShownWhereThereIsRoom() {
        let text = StatusView(.sample([.sample("HelloC")])).render(on: .wide(100))
        #expect(text.contains("  MEMORY\n"))
        #expect(text.hasSuffix("  9.3 MiB"))
    }

    /// A host whose listeners have done something, on a terminal of this width.
    private func busy(_ width: Int) -> [String] {
        var secure = ListenerStatus.sample(["[::]:443"], connections: 3, rate: 12, transport: "https")
        secure.totals.requests = 12_345
        secure.totals.fullHandshakes = 10
        secure.totals.resumedHandshakes = 90
        secure.totals.failedHandshakes = 4
        var status = HostStatus.sample([
            .sample("UpdateService", listeners: [secure]),
            .sample("Echo", listeners: [.sample(["127.0.0.1:7"], transport: "raw")]),
        ])
        status.metricsURLs = ["http://127.0.0.1:9464/metrics"]
        return StatusView(status).render(on: .wide(width)).split(separator: "\n").map(String.init)
    }

    @Test func eightyColumnsShowWhatMattersMost() {
        #expect(
            busy(80) == [
                "muster 0.1.0 is running: pid 4242, generation 3, up 2 d 4 h",
                "configuration /etc/muster/config.yaml",
                "metrics http://127.0.0.1:9464/metrics",
                "COMPONENT      PORTS        STATE     PID  GEN  UPTIME  RESTARTS  CONN  REQ/S",
                "UpdateService  443          running  4711    3   3h20m         0     3     12",
                "Echo           127.0.0.1:7  running  4711    3   3h20m         0     0      -",
            ])
    }

    @Test func wideTerminalsShowRequestsHandshakesAndMemory() {
        #expect(
            busy(140).suffix(3) == [
                "COMPONENT      PORTS        STATE     PID  GEN  UPTIME  RESTARTS  CONN  REQ/S  REQUESTS  TLS  RESUMED  FAILED   MEMORY",
                "UpdateService  443          running  4711    3   3h20m         0     3     12     12.3k  100      90%       4  9.3 MiB",
                "Echo           127.0.0.1:7  running  4711    3   3h20m         0     0      -         -    -        -       -  9.3 MiB",
            ])
        // What does not fit is left out whole; what comes after it may fit.
        #expect(busy(100).suffix(3).first?.hasSuffix("REQ/S  REQUESTS   MEMORY") == true)
        #expect(busy(88).suffix(3).first?.hasSuffix("REQ/S  REQUESTS") == true)
    }

    @Test func theMetricsWorkerIsShownWithItsPortSinceTheHeadingHasItsAddress() {
        var metrics = ComponentStatus.sample("metrics", listeners: [.sample(["127.0.0.1:9464", "[::1]:9464"])])
        metrics.isBuiltIn = true
        #expect(StatusView(.sample([metrics])).render(on: .wide(80)).contains("\nmetrics    9464,9464  running"))
    }

    @Test func whatGoesOverTheBusIsShownWhereAComponentUsesIt() {
        var caller = ComponentStatus.sample("Caller")
        caller.bus = BusActivity()
        caller.bus?.published = 3
        caller.bus?.callsMade = 1_200
        caller.bus?.dropped = 7
        let lines = StatusView(.sample([caller, .sample("Echo")])).render(on: .wide(120)).split(separator: "\n")
        #expect(lines.suffix(3).map { $0.suffix(28) }.first == "REQUESTS   BUS  DROPPED   MEMORY".suffix(28))
        #expect(lines.suffix(2).first?.hasSuffix("  1.2k        7  9.3 MiB") == true)
        #expect(lines.last?.hasSuffix("     -        -  9.3 MiB") == true)
    }

    @Test(arguments: 40...150) func noRowIsWiderThanATerminalThatHoldsTheUsualColumns(width: Int) {
        for line in busy(width) where width >= 77 { #expect(line.displayWidth <= width, "\(line)") }
    }

    @Test(arguments: [80, 100, 120])
    func noLineIsWiderThanTheTerminal(width: Int) {
        var component = ComponentStatus.sample(
            String(repeating: "Component", count: 7), state: .waitingForReload,
            message: String(repeating: "the option has a value that is not allowed ", count: 9),
            listeners: [
                .sample(["192.168.100.101:50003", "[2001:db8::1234:5678]:50003"], connections: 99_999, rate: 1e6)
            ])
        component.restarts = 12_345
        component.draining = [DrainingStatus(generation: 2, pid: 4_194_304, connections: 3, remainingSeconds: 12)]
        component.isPluginNewerOnDisk = true
        var status = HostStatus.sample([component])
        status.isConfigurationStale = true
        let text = StatusView(status).render(on: .wide(width))
        for line in text.split(separator: "\n") where !line.contains("/usr/lib/muster") {
            #expect(String(line).displayWidth <= width, "\(line)")
        }
    }

    @Test func whatWentWrongIsSaidBelowTheTable() {
        let failed = ComponentStatus.sample("HelloC", state: .retrying, message: "port 50010 is taken by nginx (pid 7)")
        let waiting = ComponentStatus.sample("HelloSwift", state: .waitingForReload, message: "greeting is empty")
        let text = StatusView(.sample([failed, waiting])).render(on: .plain)
        #expect(text.contains("\nHelloC: port 50010 is taken by nginx (pid 7)\nHelloC: next try in 3.2 s.\n"))
        #expect(
            text.contains(
                "\nHelloSwift: greeting is empty\nHelloSwift: correct its configuration, then `muster reload`."))
    }

    @Test func aPluginNewerOnDiskAndADrainingGenerationAreSaid() {
        var component = ComponentStatus.sample("HelloC")
        component.isPluginNewerOnDisk = true
        component.draining = [DrainingStatus(generation: 2, pid: 99, connections: 1, remainingSeconds: 12)]
        let text = StatusView(.sample([component])).render(on: .plain)
        #expect(
            text.contains(
                "HelloC: the plugin is newer on disk (/usr/lib/muster/plugins/libHelloC.so); `muster reload` loads it.")
        )
        #expect(text.contains("HelloC: generation 2, pid 99, still serves 1 connection; ends in 12 s at the latest."))
    }

    @Test func aStaleConfigurationIsSaid() {
        var status = HostStatus.sample([])
        status.isConfigurationStale = true
        let text = StatusView(status).render(on: .plain)
        #expect(text.contains("The file on disk is not what runs"))
        #expect(text.hasSuffix("\n\nNo component is enabled."))
    }

    @Test(arguments: [
        (HostStatus.Phase.reloading, "is reloading: pid"), (.probation, "is running, on probation after a reload: pid"),
    ])
    func theFirstLineSaysWhatTheHostDoes(phase: HostStatus.Phase, text: String) {
        var status = HostStatus.sample([])
        status.phase = phase
        #expect(StatusView(status).render(on: .plain).contains(text))
    }

    @Test func colourChangesNoWord() {
        let component = ComponentStatus.sample("HelloC", state: .retrying, message: "it crashed")
        let plain = StatusView(.sample([component])).render(on: .wide(90))
        let coloured = StatusView(.sample([component])).render(on: .wide(90, color: true))
        #expect(coloured != plain)
        #expect(coloured.replacing(/\u{1B}\[[0-9]+m/, with: "") == plain)
    }

    @Test func whatAWorkerSaysCannotSteerTheTerminal() {
        let hostile = ComponentStatus.sample("HelloC", state: .retrying, message: "bad\u{1B}[2J\u{07}\nnews\u{202E}")
        let text = StatusView(.sample([hostile])).render(on: .wide(90))
        #expect(
            !text.unicodeScalars.contains {
                $0 != "\n" && ($0.properties.generalCategory == .control || $0 == "\u{202E}")
            })
        #expect(text.contains("HelloC: bad\u{FFFD}[2J\u{FFFD} news\u{FFFD}"))
    }
}

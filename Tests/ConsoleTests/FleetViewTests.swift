import Console
import Fleet
import FoundationEssentials
import Testing

@testable import Console

/// Every screen about the fleet, as files beside this one: `MUSTER_RECORD=1` writes them, and a person reads them.
@Suite struct FleetViewTests {
    private static let folder = String(#filePath.dropLast("FleetViewTests.swift".count)) + "Golden/"
    static let widths = [60, 100, 200]

    typealias Screen = @Sendable (Terminal) -> String
    static let screens: [(name: String, screen: Screen)] = [
        ("clients-none", { ClientsView([], now: Sample.now).render(on: $0) }),
        ("clients-one", { ClientsView(Array(Sample.clients.prefix(1)), now: Sample.now).render(on: $0) }),
        ("clients-many", { ClientsView(Sample.clients, now: Sample.now).render(on: $0) }),
        ("client-well", { ClientView(Sample.clients[0], now: Sample.now).render(on: $0) }),
        ("client-hostile", { ClientView(Sample.clients[2], now: Sample.now).render(on: $0) }),
        ("client-new", { ClientView(Sample.clients[3], now: Sample.now).render(on: $0) }),
        ("client-cloned", { ClientView(cloned, now: Sample.now).render(on: $0) }),
        ("jobs-none", { JobsView([], now: Sample.now).render(on: $0) }),
        ("jobs", { JobsView(jobs, now: Sample.now).render(on: $0) }),
        ("job-sweep", { JobView(Sample.sweepReport, now: Sample.now).render(on: $0) }),
        ("job-poll", { JobView(Sample.pollReport, now: Sample.now).render(on: $0) }),
        ("detections-none", { DetectionsView([], now: Sample.now).render(on: $0) }),
        ("detections", { DetectionsView(detections, now: Sample.now).render(on: $0) }),
        ("tokens-none", { TokensView([], now: Sample.now).render(on: $0) }),
        ("tokens", { TokensView(tokens, now: Sample.now).render(on: $0) }),
        ("wait-start", { WaitView(kind: "poll", counts: nil, elapsedSeconds: 0.3).render(on: $0) }),
        ("wait", { wait().render(on: $0) }),
        (
            "wait-trouble",
            { wait(trouble: "the company server cannot be reached at pc:50000: refused\u{1B}[2J").render(on: $0) }
        ),
        ("wait-line", { _ in wait(trouble: "the server is away").line }),
        ("selector", { SelectorView("group=配信 and nmae=\"x\u{1B}[2J\"", column: 14).render(on: $0) }),
        ("selector-long", { SelectorView(longSelector, column: 233).render(on: $0) }),
        ("selector-end", { SelectorView("os=", column: 4).render(on: $0) }),
    ]

    private static var cloned: ClientRow {
        var client = Sample.clients[5]
        client.clonedFrom = Sample.client(1)
        client.clockSkew = -301
        client.certificateEndsAt = Sample.ago(60)
        client.name = Sample.longPath
        return client
    }

    private static var jobs: [Job] {
        [
            Sample.job(1, Sample.counts([(.succeeded, 3), (.running, 1), (.queued, 116)])),
            Sample.job(2, kind: "poll", Sample.counts([(.succeeded, 10_000)]), selector: "all", finished: true),
            Sample.job(3, Sample.counts([(.succeeded, 3), (.failed, 2)]), selector: Sample.longPath, finished: true),
            Sample.job(4, Sample.counts([(.succeeded, 3), (.cancelled, 9)]), finished: true, cancelled: true),
            Sample.job(5, Sample.counts([(.running, 9)]), cancelled: true),
        ]
    }

    private static var detections: [DetectionRow] {
        [
            DetectionRow(
                client: Sample.client(1), name: "reception", job: Sample.job(1), foundAt: Sample.ago(7200),
                detection: Sample.detection(.high, "/home/anna/eicar.com")),
            DetectionRow(
                client: Sample.client(2), name: Sample.hostile, job: Sample.job(1), foundAt: Sample.ago(86_400 * 3),
                detection: Sample.detection(.low, Sample.longPath)),
        ]
    }

    private static var tokens: [TokenRow] {
        func token(_ number: Int, _ uses: Int, _ end: Int64) -> TokenRow {
            TokenRow(
                id: Sample.token(number), group: "office", usesLeft: uses, createdBy: "muster:admin/anna?role=admin",
                createdAt: Sample.ago(3600), expiresAt: Sample.ago(end))
        }
        return [token(1, 20, -86_400), token(2, 0, -60), token(3, 2, 60)]
    }

    private static func wait(trouble: String? = nil) -> WaitView {
        let counts = Sample.counts([
            (.succeeded, 5_981), (.running, 120), (.offered, 30), (.queued, 3_849), (.failed, 20),
        ])
        return WaitView(kind: "poll", counts: counts, elapsedSeconds: 72, trouble: trouble)
    }

    private static let longSelector = String(repeating: "group=office or ", count: 14) + "group==x or group=lab"

    @Test(arguments: screens.map(\.name)) func theScreenIsWhatWasRead(name: String) throws {
        let screen = try #require(Self.screens.first { $0.name == name }).screen
        let text = Self.widths.map { "--- \($0) columns\n" + screen(.wide($0)) + "\n" }.joined()
        let path = Self.folder + name + ".txt"
        if ProcessInfo.processInfo.environment["MUSTER_RECORD"] != nil {
            try Data(text.utf8).write(to: URL(filePath: path))
        }
        #expect(try String(contentsOf: URL(filePath: path), encoding: .utf8) == text)
    }

    @Test(arguments: screens.map(\.name)) func noLineIsWiderThanTheTerminal(name: String) throws {
        let screen = try #require(Self.screens.first { $0.name == name }).screen
        for width in 60...120 where name != "wait-line" {
            for line in screen(.wide(width)).split(separator: "\n") {
                #expect(String(line).displayWidth <= width, "\(width): \(line)")
            }
        }
    }

    @Test(arguments: screens.map(\.name)) func nothingOfAMachineIsObeyedByTheTerminal(name: String) throws {
        let screen = try #require(Self.screens.first { $0.name == name }).screen
        for terminal in [Terminal.plain, .wide(60), .wide(200)] {
            let steering = screen(terminal).unicodeScalars.filter { $0 != "\n" && $0.isSteering }
            #expect(steering.isEmpty, "\(steering)")
        }
    }

    @Test(arguments: screens.map(\.name)) func colourChangesNoWord(name: String) throws {
        let screen = try #require(Self.screens.first { $0.name == name }).screen
        let coloured = screen(.wide(100, color: true))
        #expect(coloured.replacing(/\u{1B}\[[0-9]+m/, with: "") == screen(.wide(100)))
    }
}

extension Unicode.Scalar {
    fileprivate var isSteering: Bool {
        [.control, .format, .lineSeparator, .paragraphSeparator].contains(properties.generalCategory)
    }
}

import Fleet
import Testing

@testable import Console

@Suite struct FleetWordsTests {
    private static let ages: [(Int64, String)] = [
        (0, "just now"), (4, "just now"), (-4, "just now"), (5, "5 seconds ago"), (60, "1 minute ago"),
        (3599, "59 minutes ago"), (3600, "1 hour ago"), (86_399, "23 hours ago"), (86_400, "1 day ago"),
        (3_456_000, "40 days ago"), (-90, "in 1 minute"), (-86_400, "in 1 day"),
    ]

    @Test(arguments: ages)
    func aTimeIsSaidAsSeenFromNow(seconds: Int64, text: String) {
        #expect(Age.text(Sample.ago(seconds), now: Sample.now) == text)
    }

    @Test func aTimeOutOfRangeIsNoTrap() {
        for milliseconds in [Int64.min, .min + 1, .max] {
            for now in [Int64.min, 0, .max] where milliseconds != now {
                let text = Age.text(Timestamp(milliseconds: milliseconds), now: Timestamp(milliseconds: now))
                #expect(text == "an unknown time" || text == "just now")
                _ = TrafficLight.sweep(
                    ClientStatus.Sweep(
                        finishedAt: Timestamp(milliseconds: milliseconds), isComplete: true, isFull: true,
                        coverage: SweepCoverage(), detections: 0), now: Timestamp(milliseconds: now))
            }
        }
    }

    private static let week: Int64 = 7 * 86_400
    private static let month: Int64 = 30 * 86_400
    private static let sweeps: [(Int64, String)] = [
        (0, "good: just now"), (week - 1, "good: 6 days ago"), (week, "due: 7 days ago"),
        (month - 1, "due: 29 days ago"), (month, "overdue: 30 days ago"),
    ]

    @Test(arguments: sweeps)
    func aSweepIsGoodForAWeekAndDueForAMonth(age: Int64, text: String) {
        let cell = TrafficLight.sweep(Sample.sweep(age), now: Sample.now)
        #expect(cell.text == text)
        let style: Style = text.hasPrefix("good") ? .good : text.hasPrefix("due") ? .uncertain : .bad
        #expect(cell.style == style)
    }

    @Test func definitionsAreComparedWithTheNewest() {
        let order = DefinitionsOrder(["39", "41", "40", "41", ""])
        #expect(
            order.behind("41") == 0 && order.behind("40") == 1 && order.behind("39") == 2 && order.behind("42") == 0)
        #expect(DefinitionsOrder(["100", "99"]).behind("99") == 1)
        // Numbers say how many are between, also those that nobody has any more.
        #expect(DefinitionsOrder(["100", "7"]).behind("7") == 93)
        let dated = DefinitionsOrder(["2026.11.9", "2026.11.10", "2026.10.30"])
        #expect(dated.behind("2026.11.10") == 0 && dated.behind("2026.11.9") == 1 && dated.behind("2026.10.30") == 2)
        #expect(DefinitionsOrder([]).behind("1") == 0)
        #expect(DefinitionsOrder(["9223372036854775807"]).behind("-9223372036854775808") == 2)
    }

    @Test func theExitCodeSaysWhatCameOfAJob() {
        func verdict(_ rows: [AssignmentRow], kind: String = "sweep", total: Int? = nil) -> WaitView.Result.Verdict {
            var counts = AssignmentCounts()
            for row in rows { counts[row.state] += 1 }
            counts.succeeded += (total ?? rows.count) - rows.count
            let report = JobReport(job: Sample.job(1, kind: kind, counts, finished: true), rows: rows)
            return WaitView.Result(report, now: Sample.now).verdict
        }
        let good = Sample.assignment(1, "a", .succeeded, result: Sample.report())
        let found = Sample.assignment(1, "a", .succeeded, result: Sample.report([Sample.detection(.low, "/x")]))
        let partial = Sample.assignment(1, "a", .succeeded, result: Sample.report(complete: false))
        let failed = Sample.assignment(1, "a", .failed)
        #expect(verdict([good, good]) == .good)
        #expect(verdict([good, found]) == .detections)
        #expect(verdict([failed, found]) == .detections)
        #expect(verdict([good, partial]) == .incomplete)
        #expect(verdict([good, failed]) == .incomplete)
        #expect(verdict([Sample.assignment(1, "a", .cancelled)]) == .incomplete)
        #expect(verdict([Sample.assignment(1, "a", .succeeded)]) == .incomplete)
        #expect(verdict([Sample.assignment(1, "a", .succeeded)], kind: "poll") == .good)
        #expect(verdict([Sample.assignment(1, "a", .running)], kind: "poll") == .incomplete)
        #expect(verdict([good], total: 2) == .incomplete)
    }

    @Test func thatNothingWasFoundIsSaidOfThoseWhoLookedAlone() {
        func summary(_ states: [AssignmentState]) -> String {
            let rows = states.enumerated().map { index, state in
                Sample.assignment(index, "a", state, result: state == .succeeded ? Sample.report() : nil)
            }
            let job = Sample.job(1, Sample.counts(states.map { state in (state, states.count { $0 == state }) }))
            let text = WaitView.Result(JobReport(job: job, rows: rows), now: Sample.now).render(on: .plain)
            return String(text.split(separator: "\n").last ?? "")
        }
        #expect(summary([.succeeded, .succeeded]) == "2 clients: 2 succeeded; nothing was found.")
        #expect(
            summary([.succeeded, .failed])
                == "2 clients: 1 succeeded, 1 failed; nothing was found on 1 client that swept.")
        #expect(summary([.failed]) == "1 client: 1 failed; nothing was swept.")
    }

    @Test func ofAVeryLargeJobOnlyWhatWantsAttentionIsListed() {
        let rows = (0..<10_000).map { index in
            Sample.assignment(index, "pc\(index)", index % 1000 == 7 ? .failed : .succeeded, result: Sample.report())
        }
        let job = Sample.job(1, Sample.counts([(.succeeded, 9_990), (.failed, 10)]), finished: true)
        let text = WaitView.Result(JobReport(job: job, rows: rows), now: Sample.now).render(on: .wide(100))
        #expect(text.contains("pc9007  failed"))
        #expect(!text.contains("pc9008"))
        #expect(text.contains("… and 9,990 clients that did it and have nothing to tell; --json has them."))
    }

    @Test func jsonIsTheSameAndSteersNoTerminal() throws {
        let names = ["a\u{9B}2J", "b\u{202E}", "c\u{E0001}d", "配信 é", "\u{2028}"]
        let json = String(decoding: try FleetJSON.encode(names), as: UTF8.self)
        let shown = JSONText.shown("[\n" + json + "\n]")
        #expect(shown.hasPrefix("[\n[") && shown.contains(#"a\u009b2J"#) && shown.contains(#"c\udb40\udc01d"#))
        #expect(shown.contains("配信 é"))
        let line = shown.replacing("\n", with: "")
        #expect(oneLine(line) == line)
        #expect(try FleetJSON.decode([[String]].self, from: shown.utf8) == [names])
    }

    @Test func liveLinesAreDrawnInTheirPlaceAndGo() {
        var live = LiveLines()
        #expect(live.erase().isEmpty)
        #expect(live.next("a\nb", on: .wide(80)) == "a\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(live.next("c", on: .wide(80)) == "\u{1B}[2A\rc\u{1B}[K\n\u{1B}[J")
        #expect(live.erase() == "\u{1B}[1A\r\u{1B}[J")
        #expect(live.erase().isEmpty)
    }

    @Test func aProblemShowsTheSelectorBetweenWhatAndWhatToDo() {
        let excerpt = SelectorView("os=", column: 4).render(on: .plain)
        #expect(
            ProblemLine.text("a value is missing", excerpt: excerpt, advice: "Add it.", on: .plain)
                == "muster: a value is missing\n  os=\n     ^\n  Add it.")
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1000, "-1,000")])
    func longNumbersAreGrouped(number: Int, text: String) { #expect(SweepWords.grouped(number) == text) }
}

import Fleet
import FoundationEssentials
import MusterABI
import PluginTesting
import Testing

@testable import JobHandling

/// Through the component, since a log is the host's.
@Suite struct FinishedWorkTests {
    private func record(_ seconds: Int64) -> FinishedWork.Record {
        .init(finishedAt: Timestamp(seconds: seconds), outcome: Outcome(.succeeded))
    }

    @Test func oldestAndSuperfluousAreForgotten() {
        var records: [JobID: FinishedWork.Record] = [:]
        let jobs = (0..<100).map { _ in JobID.make() }
        for (second, job) in jobs.enumerated() { records[job] = record(Int64(second)) }
        #expect(Set(FinishedWork.superfluous(records, at: Timestamp(seconds: 200))) == Set(jobs[..<36]))
        let month: Int64 = 30 * 86400
        #expect(FinishedWork.superfluous(records, at: Timestamp(seconds: month + 90)).count == 90)
        #expect(FinishedWork.superfluous([:], at: .now()).isEmpty)
    }

    @Test func outcomeIsRememberedAcrossARestartAndNotDoneAgain() async throws {
        let first = try HandlerFixture(.poll)
        let offer = first.offer()
        first.serve("host.status get", ["components": [String]()])
        first.serve("sweep.status get", SweepStanding(openDetections: 3))
        let outcome = try await first.outcome(of: try first.run(offer))
        #expect(outcome.end == .succeeded && outcome.attempt == 1)
        try await first.end(keepingFolder: true)

        // Nothing is served now: a second run would report no detections.
        let second = try HandlerFixture(.poll, in: first.folder)
        var again = offer
        again.attempt = 7
        let repeated = try await second.outcome(of: try second.run(again))
        #expect(repeated.result == outcome.result && repeated.attempt == 7)
        #expect(second.host.calls.isEmpty && second.calls.isEmpty)
        try await second.end()
    }

    @Test func damagedFileIsForgottenAndSaid() async throws {
        let fixture = try HandlerFixture(.poll)
        try FileManager.default.createDirectory(
            atPath: fixture.state + "/finished", withIntermediateDirectories: true)
        let (offer, other) = (fixture.offer(), JobID.make())
        let path = fixture.state + "/finished/\(offer.job).json"
        try Data("{\"finished_at\":".utf8).write(to: URL(filePath: path))
        try Data("x".utf8).write(to: URL(filePath: fixture.state + "/finished/\(other).json.new"))
        fixture.serve("host.status get", ["components": [String]()])
        fixture.serve("sweep.status get", SweepStanding())
        #expect(try await fixture.outcome(of: try fixture.run(offer)).end == .succeeded)
        #expect(fixture.host.logLines.contains { $0.fields["file"] == path })
        #expect(!FileManager.default.fileExists(atPath: fixture.state + "/finished/\(other).json.new"))
        #expect(FileManager.default.fileExists(atPath: path))
        try await fixture.end()
    }

    @Test func outcomeThatCannotBeWrittenIsStillAnswered() async throws {
        let fixture = try HandlerFixture(.poll)
        // A file where the folder should be: nothing can be written there, whoever asks.
        try Data().write(to: URL(filePath: fixture.state + "/finished"))
        fixture.serve("host.status get", ["components": [String]()])
        fixture.serve("sweep.status get", SweepStanding(openDetections: 1))
        let offer = fixture.offer()
        let outcome = try await fixture.outcome(of: try fixture.run(offer))
        #expect(outcome.end == .succeeded)
        #expect(fixture.host.logLines.contains { $0.message.contains("could not be written down") })
        fixture.serve("sweep.status get", SweepStanding(openDetections: 2))
        #expect(try await fixture.outcome(of: try fixture.run(offer)).result == outcome.result)
        try await fixture.end()
    }
}

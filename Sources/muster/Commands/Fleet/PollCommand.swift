internal import ArgumentParser

struct PollCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poll",
        abstract: "Have clients report their status now.",
        discussion: """
              muster poll --all --wait
              muster poll --group office --group lab
              muster poll --where 'os=linux and definitions<41' --wait --json

            \(JobOrdering.exitCodes)
            """)

    @OptionGroup var ordering: JobOrdering

    func run() throws { try ordering.run(.poll) }
}

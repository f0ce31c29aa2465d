/// Why a command could not do what it was asked, for the person who asked.
struct CommandProblem: Error {
    /// What happened, one line without a full stop.
    var message: String
    /// What to do about it.
    var advice: String?
    var status: Int32 = 1
}

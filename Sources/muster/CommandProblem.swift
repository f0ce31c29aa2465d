/// Why a command could not do what it was asked, for the person who asked.
struct CommandProblem: Error {
    /// What happened, one line without a full stop.
    var message: String
    /// What to do about it.
    var advice: String?
    var status: Int32 = 1
    /// A selector that could not be read, and where, from 1 in characters.
    var selector: (text: String, column: Int)?
}

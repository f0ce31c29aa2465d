/// The signals that the machine sends, by their numbers on Linux (signal(7)), and the names of those that end processes.
enum Signal {
    static let abort: Int32 = 6
    static let kill: Int32 = 9
    static let terminate: Int32 = 15

    static func name(_ number: Int32) -> String {
        switch number {
        case 1: "SIGHUP"
        case 2: "SIGINT"
        case 3: "SIGQUIT"
        case 4: "SIGILL"
        case 5: "SIGTRAP"
        case 6: "SIGABRT"
        case 7: "SIGBUS"
        case 8: "SIGFPE"
        case 9: "SIGKILL"
        case 11: "SIGSEGV"
        case 13: "SIGPIPE"
        case 14: "SIGALRM"
        case 15: "SIGTERM"
        case 24: "SIGXCPU"
        case 25: "SIGXFSZ"
        case 31: "SIGSYS"
        default: "signal \(number)"
        }
    }
}

extension ExitStatus {
    var sentence: String {
        switch self {
        case .exited(0): "it exited with status 0 although it was not asked to"
        case .exited(78): "it exited with status 78: its configuration is wrong"
        case .exited(let status): "it exited with status \(status)"
        case .signalled(let number): "it was ended by \(Signal.name(number))"
        }
    }
}

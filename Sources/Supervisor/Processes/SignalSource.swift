import CLinux
import ControlProtocol
import Glibc

/// The signals the supervisor lives by, as something to poll (signalfd(2)). They are blocked before anything else
/// happens, so that none has its default effect in between.
struct SignalSource {
    enum Signal {
        case reload, shutdown, childEnded
    }

    let descriptor: Descriptor

    init() throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGHUP, SIGTERM, SIGINT, SIGCHLD] { sigaddset(&set, number) }
        let status = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard status == 0 else { throw SystemError("blocking signals", number: status) }
        // A log's reader that goes away is an error of write, not an end of the host.
        _ = Glibc.signal(SIGPIPE, SIG_IGN)
        let number = signalfd(-1, &set, CInt(SFD_CLOEXEC | SFD_NONBLOCK))
        guard number >= 0 else { throw SystemError("signalfd") }
        descriptor = Descriptor(owning: number)
    }

    /// What has come. The kernel keeps one of each, however often it was sent.
    func read() -> [Signal] {
        var signals: [Signal] = []
        var information = signalfd_siginfo()
        for _ in 0..<64 {
            let length = Glibc.read(descriptor.rawValue, &information, MemoryLayout<signalfd_siginfo>.size)
            guard length == MemoryLayout<signalfd_siginfo>.size else { break }
            switch CInt(information.ssi_signo) {
            case SIGHUP: signals.append(.reload)
            case SIGCHLD: signals.append(.childEnded)
            default: signals.append(.shutdown)
            }
        }
        return signals
    }
}

internal import ControlProtocol
internal import Glibc

/// Says when the process has run out of file descriptors, which nothing else does: accepting just stops, and goes on
/// when there are some again.
struct DescriptorWatch {
    private var isOut = false

    /// A line for the log where that has changed since the last look.
    mutating func look() -> (LogLevel, String)? {
        let copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
        let wasOut = isOut
        isOut = copy < 0 && errno == EMFILE
        if copy >= 0 { close(copy) }
        guard isOut != wasOut else { return nil }
        guard isOut else { return (.notice, "there are file descriptors again: new connections are let in") }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return (
            .error,
            "all \(limit.rlim_cur) file descriptors are in use: new connections have to wait. Either the plugin does not "
                + "close what it opens, or the limit (LimitNOFILE in systemd) is too low for 'max_connections'"
        )
    }
}

import CLinux
import ControlProtocol
import Glibc

/// Starts workers: this program again, through `/proc/self/exe`, so that a replaced file on disk does not mix versions.
struct Spawner: Sendable {
    var path = "/proc/self/exe"
    var arguments = ["muster", "worker"]
    /// A session of its own, not only a process group.
    var hasSession = false

    /// What a worker keeps of the supervisor's environment.
    static func environment(from outer: [String: String], isDebugging: Bool) -> [String: String] {
        var kept: [String: String] = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        for name in ["TZ", "LANG"] { kept[name] = outer[name] }
        kept["SWIFT_BACKTRACE"] = isDebugging ? outer["SWIFT_BACKTRACE"] ?? "enable=yes" : "enable=no"
        if isDebugging {
            for name in ["ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"] { kept[name] = outer[name] }
        }
        return kept
    }

    /// A started worker: its end of everything is closed here.
    struct Child {
        var pid: pid_t
        var pidDescriptor: Descriptor
        var control: Descriptor
        var output: Descriptor
        var error: Descriptor
    }

    func spawn(environment: [String: String]) throws(SystemError) -> Child {
        let (control, theirControl) = try Self.socketPair()
        let (output, theirOutput) = try Self.pipe()
        let (error, theirError) = try Self.pipe()
        var pidDescriptor: CInt = -1
        var step: UnsafePointer<CChar>?
        let variables = environment.map { "\($0.key)=\($0.value)" }.sorted()
        let pid = withCStrings(arguments) { arguments in
            withCStrings(variables) { environment in
                path.withCString { path in
                    var request = clinux_spawn_request(
                        path: path, arguments: arguments, environment: environment, output: theirOutput.rawValue,
                        error: theirError.rawValue, control: theirControl.rawValue, has_session: hasSession ? 1 : 0)
                    return clinux_spawn(&request, &pidDescriptor, &step)
                }
            }
        }
        guard pid > 0 else {
            let doing = step.map { String(cString: $0) } ?? "spawning"
            throw SystemError("starting a worker: \(doing)", number: -pid)
        }
        return Child(
            pid: pid, pidDescriptor: Descriptor(owning: pidDescriptor), control: control, output: output, error: error)
    }

    private static func socketPair() throws(SystemError) -> (Descriptor, Descriptor) {
        var numbers: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, type, 0, &numbers) == 0 else { throw SystemError("making a socket pair") }
        return (Descriptor(owning: numbers[0]), Descriptor(owning: numbers[1]))
    }

    /// Our end does not block; the worker's does, as programs expect of their output.
    private static func pipe() throws(SystemError) -> (Descriptor, Descriptor) {
        var readEnd: CInt = -1
        var writeEnd: CInt = -1
        let status = clinux_pipe(&readEnd, &writeEnd)
        guard status == 0 else { throw SystemError("making a pipe", number: -status) }
        let ends = (Descriptor(owning: readEnd), Descriptor(owning: writeEnd))
        guard fcntl(ends.0.rawValue, F_SETFL, O_NONBLOCK) == 0 else { throw SystemError("making a pipe") }
        return ends
    }
}

/// Strings as a NULL-terminated array, for the time of the call.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    var pointers = copies.map { $0.map { UnsafePointer($0) } }
    pointers.append(nil)
    return pointers.withUnsafeBufferPointer { buffer in
        // Never empty: the terminator is there.
        buffer.baseAddress.map(body) ?? withUnsafePointer(to: nil) { body($0) }
    }
}

internal import CLinux
internal import ControlProtocol
internal import Glibc

/// The process that becomes a helper: `muster helper`, started by the supervisor with a control socket on descriptor 3.
///
/// It reads one frame, seals itself and executes the helper's program. The order of the steps is what the seal's strength
/// rests on:
///
/// 1. *Descriptors.* The helper's socket becomes 3; all else is closed by the execution. The copy's folder was opened by
///    the supervisor, so no path is believed.
/// 2. *Limits* of descriptors and processes, while nothing forbids to set them.
/// 3. *Privileges*, exactly as a worker drops its own (`Privileges.drop`): user, groups, capabilities, no_new_privs, no
///    core dump, and SIGKILL at the supervisor's death. Without no_new_privs neither seal could be set.
/// 4. *Capabilities* that were declared and granted are made ambient, or the execution would end them. The user is
///    another by now, so none beyond them can be gained.
/// 5. *The temporary folder* and *the root folder's descriptor*, made and opened as that user, before files are sealed.
/// 6. *Landlock*: from here on files are out of reach but for the rules.
/// 7. *The report*, so that the supervisor knows, and can say, what the helper starts without.
/// 8. *seccomp*, last, since it forbids most of the above. It leaves one way to execute a program: execveat with a random
///    number in its unused sixth argument.
/// 9. *The execution*, with that number. It ends this process's memory, and with it the number: the new program cannot
///    execute another one.
public enum HelperMain {
    /// The control socket's number, as the supervisor leaves it; the helper's socket takes it over.
    private static let socketNumber: CInt = 3
    private static let rootNumber: CInt = 4
    /// Above those, and above what a frame's descriptors may take meanwhile.
    private static let firstFree: CInt = 64
    /// Open descriptors, and processes and threads of the user, at most.
    private static let descriptorLimit: UInt64 = 4096
    private static let processLimit: UInt64 = 4096

    /// To be called first thing: the process has one thread, and keeps to it.
    public static func run() -> Never {
        let parent = getppid()
        let control = fcntl(socketNumber, F_DUPFD_CLOEXEC, firstFree)
        guard control >= 0 else { complain("it is started by 'muster run', not by hand") }
        close(socketNumber)
        let channel = ControlChannel(Descriptor(owning: control))
        let received: ControlChannel.Received<HelperPlan>
        do throws(ChannelError) {
            received = try channel.waitToReceive(HelperPlan.self)
        } catch {
            complain("\(error)")
        }
        // Nothing here may be closed by itself any more: the helper's numbers take the place of those that came.
        let failure = withExtendedLifetime((channel, received)) { () -> HelperFailure in
            do throws(HelperFailure) {
                try become(received.message, received.descriptors.map(\.rawValue), parent: parent, channel)
            } catch {
                return error
            }
        }
        try? channel.send(HelperReport.failed(failure.description))
        _exit(1)
    }

    private static func become(
        _ plan: HelperPlan, _ descriptors: [CInt], parent: pid_t, _ channel: ControlChannel
    ) throws(HelperFailure) -> Never {
        _ = clinux_set_process_name(plan.program)
        let folder = try arrange(descriptors)
        try HelperFailure.check("lowering limits", clinux_lower_limits(descriptorLimit, processLimit))
        let sandbox = try HelperSandbox(mayLack: plan.mayLack)
        let rules = HelperRules.current().rules(for: plan)
        try dropPrivileges(plan, parent: parent)
        let environment = try makeTemporaryFolder(plan)
        if plan.readsFiles { try openRoot() }
        let program = openat(folder, plan.program, HelperSandbox.pathOnly | O_NOFOLLOW | O_CLOEXEC)
        guard program >= 0 else { throw HelperFailure("opening the copy of \(plan.program)", errno: errno) }
        try sandbox.restrictFiles(to: rules, program: program)
        let token = UInt64.random(in: .min ... .max)
        let filter = sandbox.filter(token: token)
        do throws(ChannelError) {
            try channel.send(HelperReport.sealed(without: sandbox.missing))
        } catch {
            throw HelperFailure("reporting: \(error)")
        }
        try sandbox.restrictCalls(to: filter)
        let status = withCStrings([plan.program] + plan.arguments) { arguments in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }.sorted()) { environment in
                plan.program.withCString { clinux_execute(folder, $0, arguments, environment, token) }
            }
        }
        throw HelperFailure("executing \(plan.program)", errno: -status)
    }

    /// Puts the helper's socket where it is looked for, and marks all else to be closed by the execution. Answers the
    /// number of the program's folder.
    private static func arrange(_ descriptors: [CInt]) throws(HelperFailure) -> CInt {
        guard descriptors.count == 2 else {
            throw HelperFailure("\(descriptors.count) descriptors came with the plan, not 2")
        }
        let folder = fcntl(descriptors[0], F_DUPFD_CLOEXEC, firstFree)
        let socket = fcntl(descriptors[1], F_DUPFD_CLOEXEC, firstFree)
        guard folder >= 0, socket >= 0, dup2(socket, socketNumber) >= 0 else {
            throw HelperFailure("arranging descriptors", errno: errno)
        }
        try HelperFailure.check("closing other descriptors", clinux_close_at_execution(UInt32(rootNumber)))
        guard chdir("/") == 0 else { throw HelperFailure("going to /", errno: errno) }
        return folder
    }

    private static func dropPrivileges(_ plan: HelperPlan, parent: pid_t) throws(HelperFailure) {
        do throws(PrivilegeFailure) {
            try plan.privileges.drop(isDebugging: false, parent: parent, deathSignal: SIGKILL)
            try plan.privileges.keepThroughExecution()
        } catch {
            throw HelperFailure(error.description)
        }
    }

    /// The environment, with a folder for temporary files where there may be one.
    private static func makeTemporaryFolder(_ plan: HelperPlan) throws(HelperFailure) -> [String: String] {
        var environment = plan.environment
        guard plan.writesState else { return environment }
        let folder = plan.stateDirectory + "/tmp"
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw HelperFailure("making \(folder)", errno: errno)
        }
        environment["TMPDIR"] = folder
        return environment
    }

    private static func openRoot() throws(HelperFailure) {
        let root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // It may have that number already, and is not to be closed by the execution.
        guard root >= 0, dup2(root, rootNumber) >= 0, fcntl(rootNumber, F_SETFD, CInt(0)) == 0 else {
            throw HelperFailure("opening /", errno: errno)
        }
    }

    /// To standard error, which the supervisor reads.
    private static func complain(_ sentence: String) -> Never {
        let line = Array("muster helper: \(sentence)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        _exit(1)
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

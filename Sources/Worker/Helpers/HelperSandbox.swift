internal import CLinux
internal import ControlProtocol
internal import Glibc

/// The two seals of a helper. Landlock limits what it reaches of the file system; seccomp limits what it may ask of the
/// kernel at all.
struct HelperSandbox {
    /// The kernel's version of Landlock; nil where it has none.
    private(set) var landlockVersion: CInt?
    private(set) var hasSeccomp = true
    /// What the operator allows to be lacking, and is.
    private(set) var missing: [HelperSeal] = []

    /// Looks at what the kernel has.
    /// - Throws: where it lacks something that it may not lack.
    init(mayLack: [HelperSeal]) throws(HelperFailure) {
        let version = clinux_landlock_version()
        if version > 0 {
            landlockVersion = version
        } else {
            try note(.landlock, errno: -version, mayLack)
        }
        let status = clinux_seccomp_available()
        if status != 0 {
            hasSeccomp = false
            try note(.seccomp, errno: -status, mayLack)
        }
    }

    private mutating func note(_ seal: HelperSeal, errno number: CInt, _ mayLack: [HelperSeal]) throws(HelperFailure) {
        guard mayLack.contains(seal) else { throw .lacking(seal, errno: number) }
        missing.append(seal)
    }

    /// Holds this process to the rules from now on.
    /// - Parameters:
    ///   - program: the only file that may be executed, with its loader: a descriptor.
    func restrictFiles(to rules: [HelperRule], program: CInt) throws(HelperFailure) {
        guard let version = landlockVersion else { return }
        let ruleset = clinux_landlock_create(version)
        try HelperFailure.check("making a Landlock ruleset", ruleset)
        defer { close(ruleset) }
        try HelperFailure.check(
            "allowing the program", clinux_landlock_allow(ruleset, version, program, HelperRule.execute))
        for rule in rules { try allow(rule, ruleset, version) }
        try HelperFailure.check("enforcing the Landlock ruleset", clinux_landlock_enforce(ruleset))
    }

    private func allow(_ rule: HelperRule, _ ruleset: CInt, _ version: CInt) throws(HelperFailure) {
        // The state directory's user could have put a link in its place.
        let mayWrite = rule.rights & CLINUX_LANDLOCK_WRITE_FILE != 0
        let place = open(rule.path, Self.pathOnly | O_CLOEXEC | (mayWrite ? O_NOFOLLOW : 0))
        // What is not there, or cannot be reached, cannot be reached by the helper either.
        guard place >= 0 else { return }
        defer { close(place) }
        // Whatever it is called: the folders in it stand for processes.
        guard clinux_is_proc(place) == 0 else { return }
        try HelperFailure.check("allowing \(rule.path)", clinux_landlock_allow(ruleset, version, place, rule.rights))
    }

    /// O_PATH of open(2): a descriptor that only names the place.
    static let pathOnly: CInt = 0o10000000

    /// The filter of system calls, to be enforced last.
    /// - Parameter token: with it as the sixth argument, and only so, execveat is allowed.
    func filter(token: UInt64) -> [sock_filter] {
        var policy = clinux_seccomp_policy(
            execution_token: token, process: getpid(), has_scoped_signals: (landlockVersion ?? 0) >= 6 ? 1 : 0,
            has_sealed_files: landlockVersion == nil ? 0 : 1)
        return [sock_filter](unsafeUninitializedCapacity: Int(CLINUX_SECCOMP_CAPACITY)) { buffer, count in
            count = clinux_seccomp_program(&policy, buffer.baseAddress, buffer.count)
        }
    }

    func restrictCalls(to filter: [sock_filter]) throws(HelperFailure) {
        guard hasSeccomp else { return }
        try HelperFailure.check("enforcing the filter of system calls", clinux_seccomp_enforce(filter, filter.count))
    }
}

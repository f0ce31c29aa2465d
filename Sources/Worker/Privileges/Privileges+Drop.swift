internal import CLinux
internal import ControlProtocol
internal import Glibc

extension Privileges {
    /// Makes this process who the plan says, for good.
    ///
    /// Only while it has one thread: before any await, Dispatch call, event loop or plugin. The order matters. What takes
    /// from the bounding and ambient sets needs capabilities that the change of user ends; KEEPCAPS lets the granted ones
    /// outlive it, and capset then leaves those alone; no_new_privs closes the ways back. The change of user clears the
    /// dumpable flag and the parent-death signal, so these come after it, the signal last: from then on the look at
    /// getppid tells whether the supervisor died before the signal was set.
    ///
    /// A helper does the same before it is sealed with Landlock and seccomp: see `HelperMain`.
    /// - Parameters:
    ///   - isDebugging: leaves core dumps and debuggers a way in.
    ///   - parent: getppid as it was when the process began.
    ///   - deathSignal: what comes when the supervisor dies.
    func drop(isDebugging: Bool, parent: pid_t, deathSignal: CInt = SIGTERM) throws(PrivilegeFailure) {
        let granted = try CapabilitySet(names: capabilities)
        let held = try Self.held()
        try check(granted, against: held.permitted)
        let needed = try CapabilitySet(names: ["CAP_SETPCAP"])
        let mayShrinkBoundingSet = needed.subtracting(held.effective) == .none

        // Without CAP_SETPCAP (the supervisor is a plain user's) it stays; no_new_privs makes it of no use.
        if mayShrinkBoundingSet {
            try step("emptying the bounding set", clinux_bounding_keep(granted.bits))
        }
        try step("emptying the ambient set", clinux_ambient_clear())
        if let userID {
            try step("keeping capabilities through the change of user", clinux_keep_capabilities(1))
            try step("setting the supplementary groups", setSupplementaryGroups())
            try step("setting the group", clinux_set_group_id(groupID ?? userID))
            try step("setting the user", clinux_set_user_id(userID))
            try step("no longer keeping capabilities", clinux_keep_capabilities(0))
        }
        try step("setting the capabilities", clinux_capabilities_write(granted.bits, granted.bits, 0))
        try step("forbidding new privileges", clinux_no_new_privileges())
        try step("setting the dumpable flag", clinux_set_dumpable(isDebugging ? 1 : 0))
        if !isDebugging { try step("forbidding core dumps", clinux_limit_core(0)) }
        umask(0o077)
        try step("asking for a signal at the supervisor's death", clinux_set_parent_death_signal(deathSignal))
        guard getppid() == parent else {
            throw PrivilegeFailure("looking for the supervisor", "it has died")
        }
    }

    /// Lets the capabilities of this plan outlive the execution of another program, which ends those that are not in the
    /// ambient set (capabilities(7)). After `drop`.
    func keepThroughExecution() throws(PrivilegeFailure) {
        let granted = try CapabilitySet(names: capabilities)
        try step(
            "making the capabilities inheritable", clinux_capabilities_write(granted.bits, granted.bits, granted.bits))
        try step("raising the ambient capabilities", clinux_ambient_raise(granted.bits))
    }

    /// A capability that the supervisor itself lacks cannot be given on.
    private func check(_ granted: CapabilitySet, against permitted: CapabilitySet) throws(PrivilegeFailure) {
        let missing = granted.subtracting(permitted)
        guard missing != .none else { return }
        throw PrivilegeFailure(
            "giving the component its capabilities",
            """
            the supervisor does not have \(missing.names.joined(separator: ", ")) itself; start it as root, or name them \
            in systemd's AmbientCapabilities=
            """)
    }

    private func setSupplementaryGroups() -> CInt {
        clinux_set_groups(supplementaryGroupIDs, supplementaryGroupIDs.count)
    }

    private static func held() throws(PrivilegeFailure) -> (effective: CapabilitySet, permitted: CapabilitySet) {
        var (effective, permitted, inheritable): (UInt64, UInt64, UInt64) = (0, 0, 0)
        try step("reading the capabilities", clinux_capabilities_read(&effective, &permitted, &inheritable))
        return (CapabilitySet(bits: effective), CapabilitySet(bits: permitted))
    }
}

/// Names the step that failed.
private func step(_ name: String, _ status: CInt) throws(PrivilegeFailure) {
    guard status == 0 else { throw PrivilegeFailure(name, String(cString: strerror(-status))) }
}

@testable import Worker
import CLinux
import ControlProtocol
import Glibc
import Testing

/// The filter of system calls, run by a machine of the test's own: nothing is forbidden to the test process.
@Suite struct SeccompTests {
    private static let token: UInt64 = 0x1234_5678_9ABC_DEF0
    private static let process: Int32 = 4242

    private enum Verdict: Equatable { case allowed, refused, missing, killed, other(UInt32) }

    /// A system call by number, for tables of arguments.
    struct Case: Sendable, CustomStringConvertible {
        var description: String
        var number: Int
        var arguments: [UInt64] = []
    }

    private func machine(scoped: Bool = true, sealed: Bool = true) -> FilterMachine {
        var policy = clinux_seccomp_policy(
            execution_token: Self.token, process: Self.process, has_scoped_signals: scoped ? 1 : 0,
            has_sealed_files: sealed ? 1 : 0)
        return FilterMachine(
            program: [sock_filter](unsafeUninitializedCapacity: Int(CLINUX_SECCOMP_CAPACITY)) { buffer, count in
                count = clinux_seccomp_program(&policy, buffer.baseAddress, buffer.count)
            })
    }

    private func verdict(_ call: FilterMachine.Call, by machine: FilterMachine) throws -> Verdict {
        switch try machine.run(call).action {
        case 0x7FFF_0000: .allowed
        case 0x0005_0000 | UInt32(EPERM): .refused
        case 0x0005_0000 | UInt32(ENOSYS): .missing
        case 0x8000_0000: .killed
        case let action: .other(action)
        }
    }

    private func verdict(
        _ number: Int, _ arguments: [UInt64] = [], scoped: Bool = true, sealed: Bool = true
    ) throws -> Verdict {
        let call = FilterMachine.Call(number: UInt32(number), arguments: arguments)
        return try verdict(call, by: machine(scoped: scoped, sealed: sealed))
    }

    @Test func programFitsAndEveryPathEnds() throws {
        let machine = machine()
        #expect(machine.program.count > 500 && machine.program.count < 1500)
        // Every number that there is, and arguments that take every branch.
        for number in Array(0..<600) + [100_000, 0x3FFF_FFFF] {
            for argument in [0, 1, 2, 8, 15, UInt64(Self.process), 0x1000_0000, .max] {
                let arguments = [UInt64](repeating: argument, count: 6)
                _ = try machine.run(.init(number: UInt32(number), arguments: arguments))
            }
        }
    }

    @Test func programThatDoesNotFitIsNone() {
        var policy = clinux_seccomp_policy()
        var room = [sock_filter](repeating: sock_filter(), count: 16)
        #expect(clinux_seccomp_program(&policy, &room, room.count) == 0)
    }

    @Test func callOfAnotherArchitectureEndsTheProcess() throws {
        // i386 and arm, whose numbers mean other calls.
        for architecture: UInt32 in [0x4000_0003, 0x4000_0028, 0] {
            let call = FilterMachine.Call(number: UInt32(SYS_read), architecture: architecture)
            #expect(try verdict(call, by: machine()) == .killed)
        }
    }

    @Test func otherInterfaceOfTheSameArchitectureIsMissing() throws {
        for number in [0x4000_0000, 0x4000_0000 + 59, 0x7FFF_FFFF, 0xFFFF_FFFF] {
            let call = FilterMachine.Call(number: UInt32(number), arguments: [0])
            #expect(try verdict(call, by: machine()) == .missing)
        }
    }

    @Test(
        arguments: [
            SYS_read, SYS_write, SYS_close, SYS_mmap, SYS_mprotect, SYS_brk, SYS_futex, SYS_exit_group, SYS_wait4,
            SYS_rt_sigaction, SYS_sendmsg, SYS_recvmsg, SYS_getrandom, SYS_memfd_create, SYS_prctl, SYS_seccomp,
            SYS_landlock_restrict_self, SYS_statx, SYS_getdents64, SYS_ftruncate, SYS_capset, SYS_epoll_pwait,
            SYS_ppoll,
        ].map { Int($0) })
    func whatEveryProgramNeedsIsAllowed(number: Int) throws {
        #expect(try verdict(number) == .allowed)
        #expect(try verdict(number, scoped: false, sealed: false) == .allowed)
    }

    @Test(
        arguments: [
            SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_execve, SYS_ptrace,
            SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_open, SYS_pidfd_getfd, SYS_kcmp, SYS_setsid,
            SYS_setpgid,
            SYS_setuid, SYS_setresuid, SYS_setgroups, SYS_fchmod, SYS_fchown, SYS_truncate, SYS_open_by_handle_at,
            SYS_name_to_handle_at, SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
            SYS_shmget,
            SYS_mq_open, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
            SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_kexec_load, SYS_finit_module, SYS_reboot,
            SYS_clock_settime, SYS_sethostname,
        ].map { Int($0) })
    func wayOutIsRefusedWhateverItsArguments(number: Int) throws {
        for arguments: [UInt64] in [[], [1, 1, 1, 1, 1, 1], [UInt64](repeating: .max, count: 6)] {
            #expect(try verdict(number, arguments) == .refused)
            #expect(try verdict(number, arguments, scoped: false, sealed: false) == .refused)
        }
    }

    /// Their flags are in memory, where a filter cannot look; libraries fall back to the older call.
    @Test(arguments: [Int(SYS_clone3), Int(SYS_openat2), 461, 500, 100_000])
    func callThatIsNotKnownIsMissing(number: Int) throws {
        #expect(try verdict(number) == .missing)
    }

    @Test func childMayBeMadeButNoNamespaceAndNoSibling() throws {
        // What pthread_create asks for (linux/sched.h).
        let thread: UInt64 = 0x3D_0F00
        #expect(try verdict(Int(SYS_clone), [thread]) == .allowed)
        #expect(try verdict(Int(SYS_clone), [UInt64(SIGCHLD)]) == .allowed)
        #expect(try verdict(Int(SYS_clone), [0x1000 | UInt64(SIGCHLD)]) == .allowed)
        // CLONE_PARENT, and CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
        let refused: [UInt64] = [
            0x8000, 0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
        ]
        for flag in refused {
            #expect(try verdict(Int(SYS_clone), [flag | UInt64(SIGCHLD)]) == .refused)
            #expect(try verdict(Int(SYS_clone), [flag | thread]) == .refused)
        }
    }

    @Test func onlyConnectedPairsOfStreamsAndPacketsCanBeMade() throws {
        let call = Int(SYS_socketpair)
        let closing = UInt64(SOCK_CLOEXEC.rawValue)
        #expect(try verdict(call, [UInt64(AF_UNIX), UInt64(SOCK_STREAM.rawValue)]) == .allowed)
        #expect(try verdict(call, [UInt64(AF_UNIX), UInt64(SOCK_SEQPACKET.rawValue) | closing]) == .allowed)
        #expect(try verdict(call, [UInt64(AF_UNIX), UInt64(SOCK_DGRAM.rawValue)]) == .refused)
        #expect(try verdict(call, [UInt64(AF_UNIX), UInt64(SOCK_RAW.rawValue)]) == .refused)
        #expect(try verdict(call, [UInt64(AF_INET), UInt64(SOCK_STREAM.rawValue)]) == .refused)
        #expect(try verdict(Int(SYS_sendto), [3, 1, 1, 0, 0, 0]) == .allowed)
        #expect(try verdict(Int(SYS_sendto), [3, 1, 1, 0, 0x7FFF_0000, 16]) == .refused)
        #expect(try verdict(Int(SYS_sendto), [3, 1, 1, 0, 0x7F00_0000_0000, 16]) == .refused)
    }

    @Test func processDescriptorsOfOthersCannotBeAskedFor() throws {
        #expect(try verdict(Int(SYS_getsockopt), [3, 1, UInt64(SO_PEERCRED)]) == .allowed)
        #expect(try verdict(Int(SYS_getsockopt), [3, 1, 77]) == .refused)
        #expect(try verdict(Int(SYS_setsockopt), [3, 1, 76]) == .refused)
        #expect(try verdict(Int(SYS_setsockopt), [3, 1, UInt64(SO_SNDBUF)]) == .allowed)
        #expect(try verdict(Int(SYS_setsockopt), [3, 6, UInt64(SO_SNDBUF)]) == .refused)
    }

    @Test(arguments: [
        Case(description: "F_SETOWN", number: Int(SYS_fcntl), arguments: [3, 8]),
        Case(description: "F_SETSIG", number: Int(SYS_fcntl), arguments: [3, 10]),
        Case(description: "F_SETOWN_EX", number: Int(SYS_fcntl), arguments: [3, 15]),
        Case(description: "FIOSETOWN", number: Int(SYS_ioctl), arguments: [3, 0x8901]),
        Case(description: "SIOCSPGRP", number: Int(SYS_ioctl), arguments: [3, 0x8902]),
        Case(description: "TIOCSTI", number: Int(SYS_ioctl), arguments: [0, 0x5412]),
        Case(description: "TIOCSTI with high bits", number: Int(SYS_ioctl), arguments: [0, 0xFFFF_FFFF_0000_5412]),
        Case(description: "limits of another", number: Int(SYS_prlimit64), arguments: [77, 0]),
        Case(description: "priority of another", number: Int(SYS_setpriority), arguments: [0, 77]),
        Case(description: "priority of a user", number: Int(SYS_setpriority), arguments: [2, 0]),
        Case(description: "I/O priority of a user", number: Int(SYS_ioprio_set), arguments: [3, 0]),
        Case(description: "processors of another", number: Int(SYS_sched_setaffinity), arguments: [77]),
        Case(description: "truncating by reading", number: Int(SYS_openat), arguments: [3, 1, UInt64(O_TRUNC)]),
        Case(description: "an odd personality", number: Int(SYS_personality), arguments: [0x0040_0000]),
    ])
    func reachForOthersThroughAnOrdinaryCallIsRefused(_ attempt: Case) throws {
        #expect(try verdict(attempt.number, attempt.arguments) == .refused)
    }

    @Test(arguments: [
        Case(description: "flags of a descriptor", number: Int(SYS_fcntl), arguments: [3, 2]),
        Case(description: "size of a terminal", number: Int(SYS_ioctl), arguments: [1, 0x5413]),
        Case(description: "own limits", number: Int(SYS_prlimit64), arguments: [0, 7]),
        Case(description: "own priority", number: Int(SYS_setpriority), arguments: [0, 0]),
        Case(description: "own I/O priority", number: Int(SYS_ioprio_set), arguments: [1, 0]),
        Case(description: "reading", number: Int(SYS_openat), arguments: [3, 1, UInt64(O_RDONLY)]),
        Case(
            description: "truncating by writing", number: Int(SYS_openat),
            arguments: [3, 1, UInt64(O_WRONLY | O_TRUNC)]),
        Case(description: "asking for the personality", number: Int(SYS_personality), arguments: [0xFFFF_FFFF]),
    ])
    func ordinaryUseOfTheSameCallIsAllowed(_ use: Case) throws {
        #expect(try verdict(use.number, use.arguments) == .allowed)
    }

    @Test func signalsAreLeftToLandlockWhereItScopesThem() throws {
        for number in [SYS_kill, SYS_tgkill, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo] {
            #expect(try verdict(Int(number), [1, 1, 9], scoped: true) == .allowed)
        }
    }

    @Test func signalsReachOneselfAloneWhereNothingScopesThem() throws {
        let me = UInt64(Self.process)
        #expect(try verdict(Int(SYS_kill), [me, 6], scoped: false) == .allowed)
        // Its group, which it cannot leave.
        #expect(try verdict(Int(SYS_kill), [0, 15], scoped: false) == .allowed)
        #expect(try verdict(Int(SYS_tgkill), [me, me, 6], scoped: false) == .allowed)
        #expect(try verdict(Int(SYS_rt_sigqueueinfo), [me, 6], scoped: false) == .allowed)
        for target: UInt64 in [1, me + 1, me - 1, .max, UInt64(bitPattern: -Int64(me)), 0xFFFF_FFFF] {
            #expect(try verdict(Int(SYS_kill), [target, 9], scoped: false) == .refused)
            #expect(try verdict(Int(SYS_tgkill), [target, target, 9], scoped: false) == .refused)
            #expect(try verdict(Int(SYS_rt_sigqueueinfo), [target, 9], scoped: false) == .refused)
            #expect(try verdict(Int(SYS_rt_tgsigqueueinfo), [target, target, 9], scoped: false) == .refused)
        }
        #expect(try verdict(Int(SYS_tgkill), [0, 0, 9], scoped: false) == .refused)
        #expect(try verdict(Int(SYS_tkill), [me, 9], scoped: false) == .refused)
    }

    /// A folder of /proc is a process descriptor: without Landlock in the way it could be anybody's.
    @Test func processDescriptorsServeWhereTheyCanOnlyBeOfChildren() throws {
        #expect(try verdict(Int(SYS_pidfd_send_signal), [5, 9], scoped: false, sealed: true) == .allowed)
        #expect(try verdict(Int(SYS_pidfd_send_signal), [5, 9], scoped: true, sealed: true) == .allowed)
        #expect(try verdict(Int(SYS_pidfd_send_signal), [5, 9], scoped: false, sealed: false) == .refused)
    }

    @Test func oneProgramIsExecutedByWhoeverKnowsTheNumber() throws {
        let call = Int(SYS_execveat)
        #expect(try verdict(call, [5, 1, 1, 1, 0, Self.token]) == .allowed)
        let half: UInt64 = 0xFFFF_FFFF
        for guess in [0, .max, Self.token + 1, Self.token & half, Self.token & ~half, Self.token.byteSwapped] {
            #expect(try verdict(call, [5, 1, 1, 1, 0, guess]) == .refused)
        }
    }
}

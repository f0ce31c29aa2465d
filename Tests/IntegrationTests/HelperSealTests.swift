import CLinux
import ControlProtocol
import Foundation
import Testing

extension LiveTests {
    /// What a sealed helper cannot do, and what it can, against the real binary and this kernel.
    @Suite(.enabled(if: HelperHost.isPossible)) struct HelperSealTests {
        /// Who the host is started as: this user, and where that is root also somebody else.
        static let users: [uid_t?] = geteuid() == 0 ? [nil, 65534] : [nil]

        /// A file that must not come to be; its name is this run's own.
        private static let escape = "/tmp/muster-escape-\(getpid())"

        private func start(as user: uid_t?, component: String = "") throws -> HelperHost {
            let prefix = user.map {
                ["setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups", "--inh-caps=-all"]
            }
            return try HelperHost(component: component, under: prefix ?? [], user: user)
        }

        /// Every attempt with the only answers that are right.
        private func expectRefused(_ attempts: [(String, String)], by helper: HelperHost.Helper) throws {
            for (attempt, expected) in attempts {
                let answer = try helper.ask(attempt)
                #expect(
                    expected.split(separator: "|").map { "no \($0)" }.contains(answer), "\(attempt): \(answer)")
            }
        }

        @Test(arguments: users) func helperWithNoNeedsReachesNothing(user: uid_t?) throws {
            let helpers = try start(as: user)
            let directory = helpers.host.directory
            let (worker, supervisor) = (try helpers.worker, helpers.host.processID)
            let listening = try ListeningSocket()
            let helper = try helpers.start("plain")
            let files = [
                "/etc/shadow", "/etc/passwd", "/etc/hostname", "/bin/sh", "/", "/proc/self/status", "/proc/1/environ",
                "/proc/\(worker)/environ", "/proc/\(worker)/mem", "/proc/\(worker)/maps", "/proc/\(supervisor)/environ",
                "/sys/kernel/notes", "/dev/mem", "/dev/tty", "\(directory)/config.yaml", "\(directory)/data/lock",
                "\(directory)/data/last-good.yaml", "\(directory)/data/receipts/last.json",
            ]
            try expectRefused(files.map { ("open \($0)", "EACCES|ENXIO|ENOENT") }, by: helper)
            let state = "\(directory)/data/components/App"
            let targets = [
                "\(Self.escape)", "escape-\(getpid())", "\(state)/escape-\(getpid())", "/usr/lib/escape-\(getpid())",
                "/dev/shm/escape-\(getpid())",
            ]
            try expectRefused(targets.map { ("open \($0) create", "EACCES") }, by: helper)
            for target in targets { #expect(!FileManager.default.fileExists(atPath: target)) }
            try expectRefused(
                ["/usr/lib", "/etc/localtime", "/dev/zero"].map { ("open \($0) write", "EACCES|EISDIR") }
                    + [
                        ("call mkdir \(Self.escape)", "EACCES"), ("call unlink \(directory)/config.yaml", "EACCES"),
                        ("call rename \(directory)/config.yaml \(directory)/x", "EACCES"),
                        ("call chmod \(directory)/config.yaml", "EPERM"),
                        ("call truncate \(directory)/config.yaml", "EPERM"),
                    ], by: helper)
            try expectRefused(
                ["inet", "inet6", "netlink", "packet", "vsock", "unix"].map { ("socket \($0)", "EPERM") }
                    + [
                        ("pair datagram", "EPERM"), ("connect tcp \(listening.port)", "EPERM"),
                        ("connect unix \(directory)/control.sock", "EPERM"), ("call bind", "EPERM"),
                        ("call listen", "EPERM"), ("call accept", "EPERM"),
                    ], by: helper)
            #expect(!listening.hasConnection)
        }

        /// The identity's key is there once a listener speaks https; here a file stands for it, and for what else is kept.
        @Test(arguments: users) func keysOfTheHostAreOutOfReach(user: uid_t?) throws {
            let helpers = try start(as: user)
            let identity = "\(helpers.host.directory)/data/identity"
            try FileManager.default.createDirectory(atPath: identity, withIntermediateDirectories: true)
            try Data("key".utf8).write(to: URL(fileURLWithPath: "\(identity)/key.pem"))
            for path in [identity, "\(identity)/key.pem"] {
                #expect(chown(path, user ?? 0, gid_t(user ?? 0)) == 0)
                #expect(chmod(path, path == identity ? 0o700 : 0o600) == 0)
            }
            #expect(try helpers.start("plain").ask("open \(identity)/key.pem") == "no EACCES")
            #expect(try helpers.start("writer").ask("open \(identity)/key.pem") == "no EACCES")
            // As root's host, its user may not read it either.
            if user == nil { #expect(try helpers.start("reader").ask("open \(identity)/key.pem") == "no EACCES") }
        }

        @Test(arguments: users) func helperReachesNoOtherProcess(user: uid_t?) throws {
            let helpers = try start(as: user)
            let helper = try helpers.start("plain")
            let bystander = try Bystander(user: user ?? helpers.workerUser)
            for target in [try helpers.worker, helpers.host.processID, bystander.pid] {
                try expectRefused(
                    [
                        ("signal kill \(target) 9", "EPERM"), ("signal tgkill \(target) 9", "EPERM"),
                        ("signal tkill \(target) 9", "EPERM"),
                        ("signal queue \(target) 9", "EPERM"), ("signal pidfd \(target)", "EPERM"),
                        ("signal proc \(target) 9", "EACCES"), ("signal peer", "EPERM"),
                        ("signal owner \(target)", "EPERM"), ("signal limit \(target)", "EPERM"),
                        ("signal priority \(target)", "EPERM"), ("signal group \(target)", "EPERM"),
                        ("look attach \(target)", "EPERM"), ("look seize \(target)", "EPERM"),
                        ("look read \(target)", "EPERM"), ("look write \(target)", "EPERM"),
                        ("look descriptor \(target)", "EPERM"), ("look compare \(target)", "EPERM"),
                    ], by: helper)
            }
            #expect(isAlive(try helpers.worker) && isAlive(bystander.pid) && helpers.host.exited() == nil)
            // With all files to read, /proc stays closed.
            let reader = try helpers.start("reader")
            for target in [try helpers.worker, helpers.host.processID, bystander.pid] {
                try expectRefused(
                    [
                        ("signal proc \(target) 9", "EACCES"), ("open /proc/\(target)/environ", "EACCES"),
                        ("open /proc/\(target)/mem", "EACCES"), ("open /proc/\(target) folder", "EACCES"),
                        ("open /proc folder", "EACCES"), ("signal kill \(target) 9", "EPERM"),
                    ], by: reader)
            }
            #expect(isAlive(try helpers.worker) && isAlive(bystander.pid) && helpers.host.exited() == nil)
        }

        @Test(arguments: users) func helperExecutesNothingAndGainsNothing(user: uid_t?) throws {
            let helpers = try start(as: user)
            let loader = try #require(LoaderPath.found)
            let copies = "\(helpers.host.directory)/data/plugins"
            let copy = try #require(
                FileManager.default.subpaths(atPath: copies)?.first { $0.hasSuffix("/fixture-helper") })
            for name in ["plain", "reader", "writer"] {
                let helper = try helpers.start(name)
                try expectRefused(
                    [
                        ("execute execve /bin/sh", "EPERM"), ("execute execveat /bin/sh", "EPERM"),
                        ("execute execve \(loader) /bin/sh", "EPERM"), ("execute execveat \(loader) /bin/sh", "EPERM"),
                        ("execute execve \(copies)/\(copy)", "EPERM"), ("execute execveat \(copies)/\(copy)", "EPERM"),
                        ("execute memory", "EPERM"), ("call setuid", "EPERM"), ("call setgid", "EPERM"),
                        ("call setsid", "EPERM"), ("call unshare", "EPERM"), ("call setns", "EPERM"),
                        ("call mount", "EPERM"), ("call umount", "EPERM"), ("call chroot", "EPERM"),
                        ("call io_uring", "EPERM"), ("call keyctl", "EPERM"), ("call add_key", "EPERM"),
                        ("call bpf", "EPERM"), ("call perf", "EPERM"), ("call userfault", "EPERM"),
                        ("call handle", "EPERM"), ("call kexec", "EPERM"), ("call shm", "EPERM"), ("call mq", "EPERM"),
                        ("call clone3", "ENOSYS"), ("call openat2", "ENOSYS"), ("call unknown", "ENOSYS"),
                    ], by: helper)
                // Every namespace, one by one; CLONE_PARENT would make a sibling.
                for flag in [
                    0x20000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000, 0x8000,
                ] {
                    #expect(try helper.ask("clone \(flag)") == "no EPERM")
                }
                #expect(try helper.fact("no_new_privs") == "1")
                #expect(try helper.fact("capabilities") == "0")
                #expect(try helper.fact("user") == "\(user ?? helpers.workerUser)")
            }
        }

        @Test(arguments: users) func sealedHelperDoesItsWork(user: uid_t?) throws {
            let helpers = try start(as: user)
            let helper = try helpers.start("plain", ["one", "--two=2", "three"])
            #expect(try helper.ask("arguments") == "ok 4|fixture-helper|one|--two=2|three")
            #expect(try helper.ask("descriptors") == "ok 0 1 2 3")
            #expect(try helper.fact("folder") == "/")
            #expect(try helper.fact("tmp") == "-")
            #expect(try helper.fact("parent") == "\(helpers.host.processID)")
            #expect(try helper.fact("session") == "\(try helper.pid)")
            #expect(try helper.ask("allocate 64") == "ok 7")
            #expect(try helper.ask("end-child") == "ok 9")
            #expect(try helper.ask("clone 0") == "ok 0")
            #expect(try helper.ask("pair packets") == "ok 0")
            #expect(try helper.ask("pair stream") == "ok 0")
            #expect(try helper.send("read") == "ok from the plugin")
            #expect(try helper.ask("give") == "ok 0from the helper")
            #expect(try helper.ask("open /dev/null") == "ok ")
            #expect(try helper.ask("print warning-from-inside") == "ok 0")
            try helpers.host.waitUntil("its line is logged") {
                helpers.host.log.split(separator: "\n").contains {
                    $0.contains("App/plain#") && $0.hasSuffix(": warning-from-inside")
                }
            }
        }

        @Test(arguments: users) func readerReadsAndDoesNotWrite(user: uid_t?) throws {
            let helpers = try start(as: user)
            let helper = try helpers.start("reader")
            let first = try String(contentsOfFile: "/etc/passwd", encoding: .utf8).prefix { $0 != "\n" }
            #expect(try helper.ask("open /etc/passwd") == "ok \(first)")
            #expect(try helper.ask("root").hasPrefix("ok "))
            #expect(try helper.ask("open /usr folder") == "ok ")
            #expect(try helper.ask("descriptors") == "ok 0 1 2 3 4")
            let victim = "\(helpers.host.directory)/data/components/App/victim"
            try Data("whole".utf8).write(to: URL(fileURLWithPath: victim))
            #expect(chown(victim, user ?? helpers.workerUser, 0) == 0)
            try expectRefused(
                [
                    ("open /etc/shadow", "EACCES"), ("open /etc/passwd write", "EACCES"),
                    ("open \(victim) write", "EACCES"), ("open \(victim) truncate", "EPERM"),
                    ("open \(Self.escape) create", "EACCES"), ("call chmod \(victim)", "EPERM"),
                    ("call truncate \(victim)", "EPERM"), ("call unlink \(victim)", "EACCES"), ("open /", "EACCES"),
                ], by: helper)
            #expect(try String(contentsOfFile: victim, encoding: .utf8) == "whole")
        }

        @Test(arguments: users) func writerWritesItsStateAlone(user: uid_t?) throws {
            let helpers = try start(as: user)
            let helper = try helpers.start("writer")
            let state = "\(helpers.host.directory)/data/components/App"
            #expect(try helper.fact("tmp") == "\(state)/tmp")
            #expect(try helper.ask("open \(state)/kept create") == "ok ")
            #expect(try helper.ask("open \(state)/kept") == "ok written")
            #expect(try helper.ask("call mkdir \(state)/folder") == "ok 0")
            #expect(try helper.ask("call rename \(state)/kept \(state)/folder/kept") == "ok 0")
            #expect(try helper.ask("open \(state)/tmp/scratch create") == "ok ")
            try expectRefused(
                [
                    ("open /etc/passwd", "EACCES"), ("open \(Self.escape) create", "EACCES"),
                    ("open \(state)/../escape create", "EACCES"),
                    ("call rename \(state)/folder/kept \(state)/../kept", "EACCES|EXDEV"),
                    ("execute execve \(state)/folder/kept", "EPERM"),
                ], by: helper)
        }

        @Test func swiftHelperRunsWithFoundationTasksAndDispatch() throws {
            let helpers = try HelperHost()
            let helper = try helpers.start("swift")
            let answer = try helper.ask("report")
            struct Report: Decodable {
                var sum, hour, queued: Int
                var date, written: String
                var hidden: Bool
            }
            let report = try JSONDecoder().decode(Report.self, from: Data(answer.utf8))
            #expect(report.sum == 499_500)
            #expect(report.queued == 2016)
            #expect(report.date == "1970-01-01T12:00:00Z")
            #expect(report.hour == 13)
            #expect(report.written == "kept")
            #expect(report.hidden)
        }

        /// The part of the seal that an older kernel has, tried on this one.
        @Test(arguments: [1, 2, 3, 5, 6]) func olderKernelsKeepSignalsAndTruncationOut(version: Int) throws {
            let bystander = try Bystander(user: nil)
            func attempt(_ words: String) throws -> String { try HelperProgram.sealed(version, words) }
            for way in ["kill", "tgkill", "tkill", "queue", "pidfd", "owner", "limit", "priority"] {
                let answer = try attempt("signal \(way) \(bystander.pid) 9")
                #expect(answer == "no EPERM", "\(way): \(answer)")
            }
            #expect(try attempt("signal proc \(bystander.pid) 9") == "no EACCES")
            #expect(try attempt("end-child") == "ok 9")
            #expect(try attempt("open /etc/passwd truncate") == "no EPERM")
            #expect(try attempt("call truncate /etc/passwd") == "no EPERM")
            #expect(try attempt("open \(Self.escape) create") == "no EACCES")
            #expect(isAlive(bystander.pid))
            #expect(try String(contentsOfFile: "/etc/passwd", encoding: .utf8).isEmpty == false)
        }

        /// Without Landlock, which the operator has to allow, files are open and /proc with them; signals are not.
        @Test func withoutLandlockSignalsAreStillKeptIn() throws {
            let bystander = try Bystander(user: nil)
            #expect(try HelperProgram.sealed(0, "signal proc \(bystander.pid) 9") == "no EPERM")
            #expect(try HelperProgram.sealed(0, "signal kill \(bystander.pid) 9") == "no EPERM")
            #expect(try HelperProgram.sealed(0, "look attach \(bystander.pid)") == "no EPERM")
            #expect(try HelperProgram.sealed(0, "socket inet") == "no EPERM")
            #expect(isAlive(bystander.pid))
        }

        @Test(arguments: HelperSeal.allCases) func kernelThatLacksASealStartsNoHelper(_ seal: HelperSeal) throws {
            let program = "\(LiveHost.products)/fixture-helper"
            let helpers = try HelperHost(under: [program, "lacking", seal.rawValue, "/usr/bin/env"])
            let number = try helpers.request("plain")
            try helpers.host.waitUntil("it has failed") { try helpers.state(number).hasPrefix("failed") }
            let reason = try helpers.state(number)
            #expect(reason.contains(seal == .landlock ? "this kernel has no Landlock" : "no seccomp filters"))
            #expect(reason.contains("'helpers: {without: [\(seal.rawValue)]}'"))
            #expect(helpers.host.log.contains("App/plain"))
        }

        @Test(arguments: HelperSeal.allCases) func operatorMayAllowASealToBeLacking(_ seal: HelperSeal) throws {
            let program = "\(LiveHost.products)/fixture-helper"
            let helpers = try HelperHost(
                component: "helpers: {without: [\(seal.rawValue)]}",
                under: [program, "lacking", seal.rawValue, "/usr/bin/env"])
            for round in 1...2 {
                let helper = try helpers.start("plain")
                // What is left still holds.
                #expect(try helper.ask(seal == .landlock ? "socket inet" : "open /etc/passwd").hasPrefix("no E"))
                let warnings = helpers.host.log.split(separator: "\n").count {
                    $0.contains("warning") && $0.contains("starts without \(seal.rawValue)")
                }
                #expect(warnings == round)
            }
        }
    }
}

extension HelperHost {
    /// Whom workers and helpers run as.
    var workerUser: uid_t {
        var status = stat()
        return stat("\(host.directory)/data/components/App", &status) == 0 ? status.st_uid : 0
    }
}

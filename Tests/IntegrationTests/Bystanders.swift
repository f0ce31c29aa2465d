import Foundation

/// A process that does nothing, of a user's choice: somebody to be attacked. Ended with this object.
final class Bystander {
    let pid: pid_t

    init(user: uid_t?) throws {
        let prefix = user.map { $0 == geteuid() ? [] : ["setpriv", "--reuid=\($0)", "--clear-groups"] } ?? []
        pid = try spawn(prefix + ["sleep", "1000"])
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }
}

/// The program of the fixtures, run without a host.
enum HelperProgram {
    /// Seals itself as on a kernel with this version of Landlock, tries what the words say, and answers.
    static func sealed(_ version: Int, _ words: String) throws -> String {
        let outcome = try Command.run(
            "fixture-helper", ["sealed", "\(version)"] + words.split(separator: " ").map(String.init))
        return outcome.output.trimmingCharacters(in: .newlines)
    }
}

/// A TCP socket that listens on a free port of the loopback interface.
final class ListeningSocket {
    let port: UInt16
    private let number: CInt

    init() throws {
        number = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = number
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 && listen(number, 8) == 0 && getsockname(number, $0, &length) == 0
            }
        }
        guard isListening else { throw LiveFailure("no listening socket: errno \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(number) }

    var hasConnection: Bool { accept(number, nil, nil) >= 0 }
}

enum LoaderPath {
    /// The dynamic loader of this system.
    static var found: String? {
        ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].first {
            FileManager.default.fileExists(atPath: $0)
        }
    }
}

/// Starts a command found on PATH, with no input and no output.
func spawn(_ command: [String]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&actions, 0, 1)
    let argv = command.map { strdup($0) } + [nil]
    defer { argv.forEach { free($0) } }
    var child: pid_t = 0
    let error = posix_spawnp(&child, command[0], &actions, nil, argv, environ)
    guard error == 0 else { throw LiveFailure("spawn \(command[0]): errno \(error)") }
    return child
}

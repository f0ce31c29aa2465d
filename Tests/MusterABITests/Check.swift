import Glibc

/// Runs the checks of `scripts/` in the package's folder.
enum Check {
    struct Failure: Error {
        var what: String
        var code: CInt
    }

    /// The package's folder: three above this file.
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
        separator: "/")

    /// The headers in `Broken`, relative to the package's folder.
    static func brokenHeaders() throws -> [String] {
        let folder = "Tests/MusterABITests/Broken"
        guard let stream = opendir("\(root)/\(folder)") else { throw Failure(what: "opendir", code: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".h") { names.append("\(folder)/\(name)") }
        }
        return names.sorted()
    }

    /// What the first line of a broken header says that the check must answer: `/* expect: … */`.
    static func expectation(ofHeaderAt path: String) throws -> String? {
        let line = try run(["head", "-n", "1", path]).output
        guard line.hasPrefix("/* expect: "), line.hasSuffix(" */\n") else { return nil }
        return String(line.dropFirst("/* expect: ".count).dropLast(" */\n".count))
    }

    /// Runs a program in the package's folder and waits for it.
    static func run(_ arguments: [String]) throws -> (status: CInt, output: String) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure(what: "pipe", code: errno) }
        // Children of tests that run beside this one must not hold the pipe open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)

        var child: pid_t = 0
        let words = (["env", "-C", root] + arguments).map { strdup($0) }
        defer { words.forEach { free($0) } }
        let failure = posix_spawn(&child, "/usr/bin/env", &actions, nil, words + [nil], environ)
        close(ends[1])
        guard failure == 0 else { throw Failure(what: "start \(arguments)", code: failure) }

        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(ends[0], &piece, piece.count)
            if count > 0 { output += piece[..<count] } else if count == 0 || errno != EINTR { break }
        }
        var status: CInt = 0
        while waitpid(child, &status, 0) == -1 && errno == EINTR {}
        let exited = status & 0x7f == 0
        return (exited ? (status >> 8) & 0xff : -1, String(decoding: output, as: UTF8.self))
    }
}

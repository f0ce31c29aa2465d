import Glibc

/// Where and with what the numbers were measured.
struct MachineFacts: Codable, Sendable {
    var processor: String
    var cores: Int
    var memory: String
    var kernel: String
    var system: String
    /// Program and version, in order.
    var versions: [String]

    init(host: String, scratch: Scratch) {
        processor = Self.value(of: "model name", in: "/proc/cpuinfo", separator: ":") ?? "unknown"
        cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let kilobytes = Self.value(of: "MemTotal", in: "/proc/meminfo", separator: ":")?.split(separator: " ").first
        let bytes = kilobytes.flatMap { Double($0) } ?? 0
        memory = Format.number(bytes / 1_048_576, decimals: 1) + " GB"
        kernel = (Files.text("/proc/sys/kernel/osrelease") ?? "unknown").filter { $0 != "\n" }
        system = Self.value(of: "PRETTY_NAME", in: "/etc/os-release", separator: "=") ?? "unknown"
        let commands = [
            [host, "version"], ["swift", "--version"], ["nginx", "-v"], ["wrk", "-v"], ["valgrind", "--version"],
        ]
        versions = commands.compactMap { Self.version($0, scratch) }
    }

    var markdown: String {
        """
        Machine: \(processor), \(cores) cores, \(memory); Linux \(kernel), \(system)
        With: \(versions.joined(separator: "; "))

        """
    }

    /// What follows `key` and the separator on the first line that begins with it, without quotes.
    private static func value(of key: String, in file: String, separator: Character) -> String? {
        let lines = Files.text(file)?.split(separator: "\n") ?? []
        guard let line = lines.first(where: { $0.hasPrefix(key) }), let place = line.firstIndex(of: separator) else {
            return nil
        }
        let value = line[line.index(after: place)...].drop { $0 == " " }
        return String(value.filter { $0 != "\"" })
    }

    /// The first line a program says of its version, whatever its exit status (wrk's is 1).
    private static func version(_ command: [String], _ scratch: Scratch) -> String? {
        guard let name = command.first, let path = name.contains("/") ? name : Files.program(name) else { return nil }
        let file = "\(scratch.path)/version"
        defer { unlink(file) }
        guard let child = try? Child([path] + command.dropFirst(), output: file),
            (try? child.waitForExit(within: 20)) != nil, let line = Files.text(file)?.split(separator: "\n").first
        else { return nil }
        return line.split(separator: " Copyright").first.map(String.init)
    }
}

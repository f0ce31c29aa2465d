import ArgumentParser
import Glibc

@main
struct MusterBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster-bench",
        abstract: "Measures Muster against the numbers it promises.",
        subcommands: [MeasureCommand.self, SoakCommand.self],
        defaultSubcommand: MeasureCommand.self)
}

/// Where what is measured lies.
struct Installation: ParsableArguments {
    @Option(help: "The release build of the host.")
    var muster = ".build/release/muster"

    @Option(help: "A folder for temporary files: on a disk, and not mounted noexec.")
    var scratch = "/var/tmp"

    /// Checks what can be checked before anything is started.
    func bench(isQuick: Bool) throws -> Bench {
        var resolved = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard realpath(muster, &resolved) != nil else {
            throw BenchError("no host at \(muster): \(describe(errno: errno)); build it with: swift build -c release")
        }
        let program = Self.text(resolved)
        guard realpath("/proc/self/exe", &resolved) != nil, let slash = Self.text(resolved).lastIndex(of: "/") else {
            throw BenchError("cannot find this program's folder")
        }
        guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) >= 2 else {
            throw BenchError("at least two cores are needed: one for the server, one for the load")
        }
        if !program.contains("/release/") {
            complain("muster-bench: warning: \(program) does not look like a release build")
        }
        let folder = try Scratch(under: scratch)
        Interruption.owns(folder)
        return Bench(
            program: program, products: String(Self.text(resolved)[..<slash]), scratch: folder, isQuick: isQuick)
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

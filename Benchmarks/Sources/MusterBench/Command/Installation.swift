import ArgumentParser
import Glibc

/// Where what is measured lies.
struct Installation: ParsableArguments {
    @Option(help: "The release build of the host.")
    var muster = ".build/release/muster"

    @Option(help: "A folder for temporary files: on a disk, and not mounted noexec.")
    var scratch = "/var/tmp"

    /// Checks what can be checked before anything is started.
    func bench(isQuick: Bool) throws -> Bench {
        guard let program = Files.resolved(muster) else {
            throw BenchError("no host at \(muster): \(describe(errno: errno)); build it with: swift build -c release")
        }
        guard let own = Files.resolved("/proc/self/exe"), let slash = own.lastIndex(of: "/") else {
            throw BenchError("cannot find this program's folder: \(describe(errno: errno))")
        }
        guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) >= 2 else {
            throw BenchError("at least two cores are needed: one for the server, one for the load")
        }
        if !program.contains("/release/") {
            complain("muster-bench: warning: \(program) does not look like a release build")
        }
        let folder = try Scratch(under: scratch)
        Interruption.owns(folder)
        return Bench(program: program, products: String(own[..<slash]), scratch: folder, isQuick: isQuick)
    }
}

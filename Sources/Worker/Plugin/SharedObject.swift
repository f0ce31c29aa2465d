internal import Glibc

/// Looks at a library's file before the loader does (elf(5)): what is no library, is another machine's, or was cut off is
/// told in a sentence, where the loader would give a riddle or a SIGBUS.
///
/// It runs in the worker, which has no privileges any more.
struct SharedObject {
    /// Reads a part of the file: as much as there is of it.
    typealias Read = (_ offset: UInt64, _ count: Int) -> [UInt8]

    private enum Layout {
        static let headerSize = 64
        static let entrySize = 56
        /// Program headers that are looked at: a library has about ten.
        static let entryLimit = 512
        static let shared: UInt64 = 3
        static let loaded: UInt64 = 1
        static let stack: UInt64 = 0x6474_E551
        static let executable: UInt64 = 1
    }

    let size: UInt64
    let read: Read

    /// Refuses what `dlopen` should not be given. A file that cannot be opened is left to it, for its words.
    static func check(_ path: String) throws(PluginProblem) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
        let file = SharedObject(size: UInt64(max(status.st_size, 0))) { offset, count in
            var bytes = [UInt8](repeating: 0, count: count)
            let length = pread(descriptor, &bytes, count, off_t(clamping: offset))
            return Array(bytes.prefix(max(length, 0)))
        }
        do throws(PluginProblem) {
            try file.check()
        } catch {
            throw PluginProblem("\(path) \(error)")
        }
    }

    func check() throws(PluginProblem) {
        guard size > 0 else {
            throw PluginProblem("is empty: it was not copied or not built to its end; install it again")
        }
        let header = read(0, Layout.headerSize)
        guard header.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
            throw PluginProblem(
                "is not a shared library (ELF): name the plugin's .so file in 'plugin', or install it again")
        }
        try checkMachine(header)
        guard header.count == Layout.headerSize else { throw cutOff(neededSize: UInt64(Layout.headerSize)) }
        guard number(header, 16, 2) == Layout.shared else {
            throw PluginProblem("is an ELF file but not a shared library: link it with -shared")
        }
        try checkParts(header)
    }

    private func checkMachine(_ header: [UInt8]) throws(PluginProblem) {
        let is64Bit = header.count > 4 && header[4] == 2
        let isLittleEndian = header.count > 5 && header[5] == 1
        let machine = number(header, 18, 2)
        guard header.count > 4, !is64Bit || !isLittleEndian || (header.count > 19 && machine != Self.ownMachine.number)
        else { return }
        let words = is64Bit ? "machine \(machine) of elf.h" : "32 bits"
        throw PluginProblem(
            "was built for another kind of machine (\(words)), and this host is \(Self.ownMachine.name) with 64 bits: "
                + "install the plugin's build for that")
    }

    /// What is mapped must be there, and no part may make the stack executable.
    private func checkParts(_ header: [UInt8]) throws(PluginProblem) {
        let offset = number(header, 32, 8)
        let entrySize = Int(number(header, 54, 2))
        let count = Int(number(header, 56, 2))
        guard entrySize == Layout.entrySize, (1...Layout.entryLimit).contains(count) else {
            throw PluginProblem("is damaged: its program headers make no sense; install it again")
        }
        let table = read(offset, entrySize * count)
        guard table.count == entrySize * count else { throw cutOff(neededSize: end(offset, UInt64(entrySize * count))) }
        for index in 0..<count {
            let entry = Array(table[(index * entrySize)..<((index + 1) * entrySize)])
            switch number(entry, 0, 4) {
            case Layout.loaded:
                let needed = end(number(entry, 8, 8), number(entry, 32, 8))
                guard needed <= size else { throw cutOff(neededSize: needed) }
            case Layout.stack where number(entry, 4, 4) & Layout.executable != 0:
                throw PluginProblem(
                    "asks for an executable stack, which would weaken its whole process: link it with -z noexecstack")
            default: break
            }
        }
    }

    private func cutOff(neededSize: UInt64) -> PluginProblem {
        PluginProblem("was cut off: it has \(size) bytes of at least \(neededSize); install it again")
    }

    private func end(_ offset: UInt64, _ length: UInt64) -> UInt64 {
        let (sum, isOver) = offset.addingReportingOverflow(length)
        return isOver ? .max : sum
    }

    /// Little-endian; 0 where the bytes are not there.
    private func number(_ bytes: [UInt8], _ offset: Int, _ width: Int) -> UInt64 {
        guard offset + width <= bytes.count else { return 0 }
        return bytes[offset..<(offset + width)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// `e_machine` of this host.
    private static var ownMachine: (number: UInt64, name: String) {
        #if arch(x86_64)
            (62, "x86-64")
        #else
            (183, "arm64")
        #endif
    }
}

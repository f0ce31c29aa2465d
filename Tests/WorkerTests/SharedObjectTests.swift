@testable import Worker
import Testing

@Suite struct SharedObjectTests {
    /// Parts of a small library as elf(5) lays it out, for this machine.
    private struct File {
        var bytes = [UInt8](repeating: 0, count: 64)
        private var parts: UInt64 = 0

        init() {
            bytes.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
            set(16, 2, 3)
            #if arch(x86_64)
                set(18, 2, 62)
            #else
                set(18, 2, 183)
            #endif
            set(32, 8, 64)
            set(54, 2, 56)
        }

        mutating func set(_ offset: Int, _ width: Int, _ value: UInt64) {
            for index in 0..<width { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
        }

        mutating func add(type: UInt64, flags: UInt64 = 0, offset: UInt64 = 0, length: UInt64 = 0) {
            let start = bytes.count
            bytes += [UInt8](repeating: 0, count: 56)
            set(start, 4, type)
            set(start + 4, 4, flags)
            set(start + 8, 8, offset)
            set(start + 32, 8, length)
            parts += 1
            set(56, 2, parts)
        }

        static var sound: File {
            var file = File()
            file.add(type: 1, flags: 5, offset: 0, length: 176)
            file.add(type: 0x6474_E551, flags: 6)
            return file
        }
    }

    /// The sentence that refuses the file, or empty where it may be loaded.
    private func problem(_ bytes: [UInt8]) -> String {
        let file = SharedObject(size: UInt64(bytes.count)) { offset, count in
            Array(bytes.dropFirst(Int(clamping: offset)).prefix(count))
        }
        do throws(PluginProblem) {
            try file.check()
            return ""
        } catch {
            return error.description
        }
    }

    @Test func aLibraryOfThisMachineMayBeLoaded() { #expect(problem(File.sound.bytes) == "") }

    @Test func anEmptyFileIsSaidToBeEmpty() { #expect(problem([]).contains("is empty")) }

    @Test func textIsNoLibrary() {
        #expect(problem(Array("#!/bin/sh\necho hello\n".utf8)).contains("is not a shared library (ELF)"))
        #expect(problem([0x7F, 0x45]).contains("is not a shared library (ELF)"))
    }

    @Test func anotherMachinesLibraryIsRefusedWithWhatItWasBuiltFor() {
        var file = File.sound
        file.set(4, 1, 1)
        #expect(problem(file.bytes).contains("another kind of machine (32 bits)"))
        file = File.sound
        file.set(18, 2, 243)
        #expect(problem(file.bytes).contains("machine 243"))
        file = File.sound
        file.set(5, 1, 2)
        #expect(problem(file.bytes).contains("another kind of machine"))
    }

    @Test func aProgramIsNoLibrary() {
        var file = File.sound
        file.set(16, 2, 2)
        #expect(problem(file.bytes).contains("link it with -shared"))
    }

    @Test func anExecutableStackIsRefused() {
        var file = File.sound
        file.add(type: 0x6474_E551, flags: 7)
        #expect(problem(file.bytes).contains("-z noexecstack"))
    }

    @Test func aFileThatIsCutOffAnywhereIsRefusedAndNeverLoaded() {
        let whole = File.sound.bytes
        for length in whole.indices { #expect(problem(Array(whole.prefix(length))) != "", "\(length) bytes") }
        #expect(problem(Array(whole.prefix(150))).contains("was cut off: it has 150 bytes of at least 176"))
    }

    @Test func headersThatMakeNoSenseAreRefused() {
        var file = File.sound
        file.set(32, 8, .max)
        #expect(problem(file.bytes).contains("was cut off"))
        file = File.sound
        file.set(54, 2, 1)
        #expect(problem(file.bytes).contains("is damaged"))
        file = File.sound
        file.set(56, 2, 0xFFFF)
        #expect(problem(file.bytes).contains("is damaged"))
        file = File.sound
        file.add(type: 1, offset: .max, length: .max)
        #expect(problem(file.bytes).contains("was cut off"))
    }
}

import CLinux

/// Runs a filter of system calls as the kernel does (seccomp(2), the classic BPF of linux/filter.h), as far as the
/// filters of this project go: any other instruction is a mistake of theirs.
struct FilterMachine {
    let program: [sock_filter]

    /// What the kernel hands to a filter: `struct seccomp_data`.
    struct Call {
        var number: UInt32
        var architecture = clinux_seccomp_architecture()
        var arguments: [UInt64] = []

        /// The 32-bit word at an offset.
        func word(at offset: UInt32) -> UInt32? {
            switch offset {
            case 0: return number
            case 4: return architecture
            case 8, 12: return 0
            case 16..<64 where offset % 4 == 0:
                let index = Int(offset - 16) / 8
                let argument = index < arguments.count ? arguments[index] : 0
                return UInt32(truncatingIfNeeded: offset % 8 == 0 ? argument : argument >> 32)
            default: return nil
            }
        }
    }

    enum Failure: Error, Equatable {
        case instruction(Int, code: UInt16)
        case offset(Int)
        case end
    }

    /// The action, and how many instructions it took.
    func run(_ call: Call) throws -> (action: UInt32, steps: Int) {
        var accumulator: UInt32 = 0
        var next = 0
        var steps = 0
        while program.indices.contains(next) {
            let instruction = program[next]
            next += 1
            steps += 1
            switch Int32(instruction.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                guard let word = call.word(at: instruction.k) else { throw Failure.offset(next - 1) }
                accumulator = word
            case BPF_ALU | BPF_AND | BPF_K: accumulator &= instruction.k
            case BPF_JMP | BPF_JA: next += Int(instruction.k)
            case BPF_JMP | BPF_JEQ | BPF_K:
                next += Int(accumulator == instruction.k ? instruction.jt : instruction.jf)
            case BPF_JMP | BPF_JGE | BPF_K:
                next += Int(accumulator >= instruction.k ? instruction.jt : instruction.jf)
            case BPF_RET | BPF_K: return (instruction.k, steps)
            default: throw Failure.instruction(next - 1, code: instruction.code)
            }
        }
        throw Failure.end
    }
}

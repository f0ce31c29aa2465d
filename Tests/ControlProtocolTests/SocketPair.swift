import CLinux
import ControlProtocol
import Glibc
import Testing

/// Two connected local stream sockets.
struct SocketPair {
    let left: Descriptor
    let right: Descriptor

    init() throws {
        var numbers: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &numbers) == 0)
        left = Descriptor(owning: numbers[0])
        right = Descriptor(owning: numbers[1])
    }
}

/// A pipe that tells whether anybody holds its writing end still: the way to see a leaked descriptor, whatever else the
/// process opens meanwhile.
struct Tracer {
    private let readingEnd: Descriptor
    private var writingEnd: Descriptor?

    init() throws {
        var numbers: [CInt] = [-1, -1]
        try #require(pipe(&numbers) == 0)
        readingEnd = Descriptor(owning: numbers[0])
        writingEnd = Descriptor(owning: numbers[1])
        try #require(fcntl(numbers[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(numbers[0], F_SETFD, FD_CLOEXEC) == 0)
        try #require(fcntl(numbers[1], F_SETFD, FD_CLOEXEC) == 0)
    }

    /// The end to send.
    var sent: CInt { writingEnd?.rawValue ?? -1 }

    /// Drops the test's own writing end.
    mutating func letGo() { writingEnd = nil }

    /// Whether no writing end is open anywhere: the read finds the end of the pipe.
    var isClosedEverywhere: Bool {
        var byte: UInt8 = 0
        return read(readingEnd.rawValue, &byte, 1) == 0
    }

    /// Whether `descriptor` is this pipe's writing end.
    func isWritten(by descriptor: CInt) -> Bool {
        var sentByte = UInt8.random(in: 0...255)
        var readByte: UInt8 = 0
        guard write(descriptor, &sentByte, 1) == 1, read(readingEnd.rawValue, &readByte, 1) == 1 else { return false }
        return sentByte == readByte
    }
}

/// Sends bytes as a peer without manners would.
func sendRaw(_ bytes: [UInt8], to socket: Descriptor, descriptors: [CInt] = []) throws {
    var start = 0
    while start < bytes.count {
        let attached = start == 0 ? descriptors : []
        let sent = bytes[start...].withUnsafeBytes {
            clinux_send(socket.rawValue, $0.baseAddress, $0.count, attached, attached.count)
        }
        try #require(sent > 0)
        start += sent
    }
}

/// A frame's bytes with any header.
func rawFrame(_ payload: String, announcing descriptorCount: UInt16 = 0) -> [UInt8] {
    let length = UInt32(payload.utf8.count)
    let header: [UInt8] =
        [0x4D, 0x75, 0x73, 1]
        + (0..<4).reversed().map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
        + (0..<2).reversed().map { UInt8(truncatingIfNeeded: descriptorCount >> ($0 * 8)) } + [0, 0]
    return header + Array(payload.utf8)
}

/// The code of the error that `body` throws, or nil.
func code(of body: () throws(ChannelError) -> Void) -> ChannelError.Code? {
    do throws(ChannelError) {
        try body()
        return nil
    } catch {
        return error.code
    }
}

internal import Glibc

/// Why two processes could not go on speaking over a control socket.
public struct ChannelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Equatable, Sendable {
        /// The peer has closed its end.
        case closed
        /// The peer sent what is not the protocol.
        case malformed
        /// A message is beyond the limit of a frame.
        case tooLarge
        /// The peer does not read, and the queue towards it is full.
        case overflow
        /// The peer did not answer in time.
        case timedOut
        /// A system call failed with this errno.
        case system(CInt)
    }

    public var code: Code
    /// What was being done, and what was wrong with it: "reading a frame: its header …".
    public var doing: String

    public init(_ code: Code, _ doing: String) {
        self.code = code
        self.doing = doing
    }

    public var description: String {
        switch code {
        case .closed: "\(doing): the other side has closed the connection"
        case .malformed: "\(doing): not what the control protocol allows"
        case .tooLarge: "\(doing): larger than a frame may be (\(FrameHeader.maximumPayload >> 20) MiB)"
        case .overflow: "\(doing): the other side does not read, and its queue is full"
        case .timedOut: "\(doing): no answer in time"
        case .system(let number): "\(doing): \(Self.sentence(of: number))"
        }
    }

    /// The system's words for an errno.
    private static func sentence(of number: CInt) -> String {
        // strerror is not safe between threads; strerror_r writes to the caller's memory.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress, strerror_r(number, start, buffer.count) == 0 else {
                return "error \(number)"
            }
            return String(cString: start)
        }
    }
}

public import NIOPosix
internal import NIOCore

/// The event loops of a process as HTTP sees them, and the calls for exchanges, which any thread may make.
///
/// One for each event loop group; it must live until the last listener that uses it is closed.
public final class HTTPLoops: Sendable {
    let group: MultiThreadedEventLoopGroup
    let loops: [HTTPLoop]
    private let indices: [ObjectIdentifier: Int]

    /// - Parameter group: at most 256 loops; further ones would serve no HTTP.
    public init(group: MultiThreadedEventLoopGroup) {
        self.group = group
        let eventLoops = group.makeIterator().prefix(ExchangeID.maximumLoopCount)
        loops = eventLoops.enumerated().map { HTTPLoop(index: $0.offset, eventLoop: $0.element) }
        indices = Dictionary(
            loops.enumerated().map { (ObjectIdentifier($0.element.eventLoop), $0.offset) }, uniquingKeysWith: { $1 })
    }

    /// The place in `loops` of an event loop of the group.
    func index(of eventLoop: any EventLoop) -> Int? { indices[ObjectIdentifier(eventLoop)] }

    func loop(of exchange: ExchangeID) -> HTTPLoop? {
        let index = exchange.loop
        return index < loops.count ? loops[index] : nil
    }
}

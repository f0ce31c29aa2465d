internal import ControlProtocol
internal import MusterABI
internal import Networking
internal import NIOCore
internal import NIOPosix

/// The worker's event loops, from after the drop of privileges until the process ends.
final class EventLoops: HTTPEngine {
    let loopCount: Int
    private let loops: HTTPLoops
    private let pulse: LoopPulse

    /// - Parameter count: 0: one a core.
    init(count: Int) {
        loopCount = count > 0 ? count : System.coreCount
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
        loops = HTTPLoops(group: group)
        pulse = LoopPulse(group: group)
    }

    var oldestTick: UInt64 { pulse.oldestTick }

    func takeMaximumLag() -> UInt64 { pulse.takeMaximumLag() }

    func makeServer(
        component: String, listeners: [ListenerPlan], isPreparing: @escaping () -> Bool,
        obtain: @escaping (_ listener: String) throws -> HTTPGrant
    ) -> any HTTPServing {
        HTTPServerExtension(
            component: component, loops: loops, listeners: listeners, isPreparing: isPreparing, obtain: obtain)
    }
}

extension HTTPServerExtension: HTTPServing {}
